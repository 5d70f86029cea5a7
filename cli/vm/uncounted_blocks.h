#ifndef PAGEMAPD_CLI_VM_UNCOUNTED_BLOCKS_H_
#define PAGEMAPD_CLI_VM_UNCOUNTED_BLOCKS_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/vm/ram_block.h"

namespace pagemapd {

// Of `blocks` those whose host address is not known, for a command that counts the others: what it
// does not count has to be told. [{"block":..,"size_bytes":..,"reason":..}]
nlohmann::ordered_json UncountedJson(const std::vector<const RamBlock*>& blocks);

// For people, with its newline: "not counted: a (2M), b (64K): where they are is not known". Empty
// if all are counted.
std::string UncountedText(const Session& session, const std::vector<const RamBlock*>& blocks);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_UNCOUNTED_BLOCKS_H_
