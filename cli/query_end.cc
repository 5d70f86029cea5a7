#include "cli/query_end.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pagemapd {
namespace {

std::string FieldText(v1::PageField field) {
  switch (field) {
    case v1::PAGE_FIELD_LOCATION:
      return "PFNs and swap offsets";
    case v1::PAGE_FIELD_FRAME_FLAGS:
      return "flags of page frames";
    default:
      return absl::StrCat("field ", static_cast<int>(field));
  }
}

}  // namespace

void TellOfRedaction(const Session& session, int32_t pid, const std::set<v1::PageField>& redacted) {
  if (redacted.empty()) return;
  std::vector<std::string> fields;
  for (const v1::PageField field : redacted) fields.push_back(FieldText(field));
  session.Complain(absl::StrCat("missing right locations: left out of process ", pid, ": ",
                                absl::StrJoin(fields, ", ")));
}

bool Failed(const PageQueryEnd& end) { return !end.status.ok() || end.error.has_value(); }

ExitCode TellOfEnd(const Session& session, const PageQuery& query, const PageQueryEnd& end,
                   bool answered) {
  ExitTally tally;
  if (answered || !Failed(end)) tally.Answered();
  if (!end.status.ok()) tally.Failed(session.Fail(end.status));
  if (end.error.has_value()) tally.Failed(session.Fail(*end.error));
  TellOfRedaction(session, query.process.pid(), end.redacted);
  // What went wrong altogether says more than what would have been left out.
  if (!end.redacted.empty() && !Failed(end)) tally.Failed(ExitCode::kPermissionDenied);
  if (end.mappings_changed) {
    session.Complain(absl::StrCat("note: the mappings of process ", query.process.pid(),
                                  " changed during the scan"));
  }
  return tally.code();
}

}  // namespace pagemapd
