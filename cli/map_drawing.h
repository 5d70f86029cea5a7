#ifndef PAGEMAPD_CLI_MAP_DRAWING_H_
#define PAGEMAPD_CLI_MAP_DRAWING_H_

#include <cstddef>

#include "cli/map_output.h"
#include "cli/page_query.h"
#include "cli/session.h"

namespace pagemapd {

// More pictures than this are drawn as an overview.
constexpr size_t kMaxDetailedPictures = 8;

// Asks `query`, with progress on a terminal, and draws the pages of `subject`'s mappings: each in a
// picture of its own if `detailed`, else all in one.
ExitCode DrawMap(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                 const PageQuery& query, const MapSubject& subject, bool detailed);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_MAP_DRAWING_H_
