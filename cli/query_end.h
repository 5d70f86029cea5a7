#ifndef PAGEMAPD_CLI_QUERY_END_H_
#define PAGEMAPD_CLI_QUERY_END_H_

#include <cstdint>
#include <set>

#include "cli/exit_code.h"
#include "cli/page_query.h"
#include "cli/session.h"

namespace pagemapd {

// Whether a query ended before all of it was answered.
bool Failed(const PageQueryEnd& end);

// Complains of what is left out of the answer about a process, and why; not if `redacted` is empty.
void TellOfRedaction(const Session& session, int32_t pid, const std::set<v1::PageField>& redacted);

// Complains of what went wrong with `query`, and of what is left out, and says what to exit with.
// `answered`: there was something to show nevertheless.
ExitCode TellOfEnd(const Session& session, const PageQuery& query, const PageQueryEnd& end,
                   bool answered);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_QUERY_END_H_
