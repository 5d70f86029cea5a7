#ifndef PAGEMAPD_CLI_PAGE_LISTING_H_
#define PAGEMAPD_CLI_PAGE_LISTING_H_

#include <optional>
#include <vector>

#include "cli/page_annotator.h"
#include "cli/page_query.h"
#include "cli/session.h"

namespace pagemapd {

// What a list of pages tells of each.
struct PageDetails {
  bool flags = false;
  // Which swapped pages of shared memory have a copy in RAM.
  bool swap_cache = false;
  // Unset: in every format but the table.
  std::optional<bool> locations;
};

// Asks `query`, whose fields are those that `details` and the format make necessary, and writes the
// extents as they come, with progress on a terminal. `mappings` name extents and tell how much
// there is to scan; they may be empty. `annotator` may be null.
ExitCode ListPages(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                   PageQuery query, const PageDetails& details,
                   const std::vector<v1::Mapping>& mappings, const PageAnnotator* annotator);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGE_LISTING_H_
