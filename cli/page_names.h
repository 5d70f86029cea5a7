#ifndef PAGEMAPD_CLI_PAGE_NAMES_H_
#define PAGEMAPD_CLI_PAGE_NAMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "pagemapd/v1/pagemap_service.pb.h"
#include "pagemapd/v1/pages.pb.h"

namespace pagemapd {

// The proto's enum values as the command line spells them: "swapped", "shmem", "soft_dirty". Empty
// for _UNSPECIFIED; the number for a value that this program does not know.
const std::string& StateName(v1::PageState state);
const std::string& SourceName(v1::PageSource source);
const std::string& KindName(v1::MappingKind kind);
const std::string& OutcomeName(v1::PageOutOutcome outcome);

// Names of the flags whose bits are set, in the order of their numbers.
std::vector<absl::string_view> FlagNames(uint32_t flags);

// The state that StateName spells so. False if there is none.
bool ParseState(absl::string_view name, v1::PageState* state);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGE_NAMES_H_
