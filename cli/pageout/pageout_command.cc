#include "cli/pageout/pageout_command.h"

#include "absl/strings/str_cat.h"
#include "cli/pageout/input_file.h"
#include "cli/pageout/page_out_job.h"
#include "cli/pageout/page_out_range.h"
#include "cli/pageout/recording.h"
#include "cli/process_mappings.h"

namespace pagemapd {

ExitCode RunPageOut(const Session& session, const PageOutOptions& options) {
  v1::GetCapabilitiesResponse capabilities;
  grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);
  if (!CanPageOut(session, capabilities, options.switches)) return ExitCode::kFailed;
  if (!options.from.empty()) {
    const InputFile file(session, options.from);
    if (file.fd() < 0) return ExitCode::kFailed;
    return PageOutRecording(session, capabilities, options.pid, options.switches, file.fd(),
                            file.shown());
  }

  ProcessMappings process;
  process.process.set_pid(options.pid);
  if (!options.globs.empty()) {
    status = ListAllMappings(session.service(), options.pid, /*include_vm_flags=*/false, &process);
    if (!status.ok()) return session.Fail(status);
  }
  const uint64_t page_size_bytes = capabilities.page_size_bytes();
  std::vector<v1::PageOutRange> ranges;
  std::string unmatched;
  if (!SelectRanges(process.mappings, options.globs, options.ranges, page_size_bytes, &ranges,
                    &unmatched)) {
    session.Complain(absl::StrCat("no mapping of process ", options.pid, " matches ", unmatched));
    return ExitCode::kFailed;
  }
  PageOutJob job(session, capabilities, process.process, options.switches,
                 PagesOf(ranges, page_size_bytes));
  for (const v1::PageOutRange& range : ranges) {
    if (!job.Add(range)) break;
  }
  return job.Finish(/*input_failed=*/false);
}

}  // namespace pagemapd
