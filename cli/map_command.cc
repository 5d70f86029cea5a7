#include "cli/map_command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/map_drawing.h"
#include "cli/map_output.h"
#include "cli/page_query.h"
#include "cli/process_mappings.h"

namespace pagemapd {

ExitCode RunMap(const Session& session, const MapOptions& options) {
  v1::GetCapabilitiesResponse capabilities;
  grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);
  ProcessMappings process;
  status = ListAllMappings(session.service(), options.pid, /*include_vm_flags=*/false, &process);
  if (!status.ok()) return session.Fail(status);

  PageQuery query;
  query.process = process.process;
  std::string unmatched;
  if (!SelectSpans(process.mappings, options.globs, {}, &query.spans, &unmatched)) {
    session.Complain(absl::StrCat("no mapping of process ", options.pid, " matches ", unmatched));
    return ExitCode::kFailed;
  }
  MapSubject subject;
  subject.process = process.process;
  subject.page_size_bytes = capabilities.page_size_bytes();
  for (v1::Mapping& mapping : process.mappings) {
    const bool wanted = options.globs.empty() ||
                        std::any_of(options.globs.begin(), options.globs.end(),
                                    [&](const auto& glob) { return MatchesGlob(glob, mapping); });
    if (wanted) subject.mappings.push_back(std::move(mapping));
  }
  const bool detailed = !options.globs.empty() && subject.mappings.size() <= kMaxDetailedPictures;
  return DrawMap(session, capabilities, query, subject, detailed);
}

}  // namespace pagemapd
