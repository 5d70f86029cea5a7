#include "cli/query_end.h"

#include "absl/strings/str_cat.h"

namespace pagemapd {

bool Failed(const PageQueryEnd& end) { return !end.status.ok() || end.error.has_value(); }

ExitCode TellOfEnd(const Session& session, const PageQuery& query, const PageQueryEnd& end,
                   bool answered) {
  ExitTally tally;
  if (answered || !Failed(end)) tally.Answered();
  if (!end.status.ok()) tally.Failed(session.Fail(end.status));
  if (end.error.has_value()) tally.Failed(session.Fail(*end.error));
  if (end.mappings_changed) {
    session.Complain(absl::StrCat("note: the mappings of process ", query.process.pid(),
                                  " changed during the scan"));
  }
  return tally.code();
}

}  // namespace pagemapd
