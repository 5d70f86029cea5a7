#ifndef PAGEMAPD_CLI_VM_RAM_BLOCK_TEXT_H_
#define PAGEMAPD_CLI_VM_RAM_BLOCK_TEXT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/vm/ram_block.h"

namespace pagemapd {

// Reads what QEMU answers to "info ramblock": name, page size and sizes of each block, and of newer
// QEMUs (system/physmem.c: ram_block_format) its host address. The table is for people: a name may
// hold spaces, so that a line is read from its end. DATA_LOSS, with the line, if one is not such;
// RESOURCE_EXHAUSTED for more than kMaxRamBlocks.
absl::StatusOr<std::vector<RamBlock>> ParseRamBlocks(absl::string_view text);

// QEMU itself has some tens at most; a device or a memory slot each.
constexpr size_t kMaxRamBlocks = 4096;

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_RAM_BLOCK_TEXT_H_
