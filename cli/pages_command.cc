#include "cli/pages_command.h"

#include "absl/strings/str_cat.h"
#include "cli/page_listing.h"
#include "cli/page_query.h"
#include "cli/process_mappings.h"

namespace pagemapd {

ExitCode RunPages(const Session& session, const PagesOptions& options) {
  const bool table = session.format() == OutputFormat::kTable;
  const bool of_object = options.object_address.has_value();

  v1::GetCapabilitiesResponse capabilities;
  grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);

  PageQuery query;
  query.process.set_pid(options.pid);
  query.object_address = options.object_address;
  query.spans = Union(options.ranges);
  query.view = options.view;
  query.states = options.states;

  ProcessMappings process;
  // How large an object is they do not tell: they are not worth a call for its progress.
  if (table || !options.globs.empty() || (session.error_terminal().is_terminal && !of_object)) {
    status = ListAllMappings(session.service(), options.pid, /*include_vm_flags=*/false, &process);
    if (!status.ok()) return session.Fail(status);
    query.process = process.process;
    std::string unmatched;
    if (!SelectSpans(process.mappings, options.globs, options.ranges, &query.spans, &unmatched)) {
      session.Complain(absl::StrCat("no mapping of process ", options.pid, " matches ", unmatched));
      return ExitCode::kFailed;
    }
  }
  return ListPages(session, capabilities, std::move(query), options.details, process.mappings,
                   /*annotator=*/nullptr);
}

}  // namespace pagemapd
