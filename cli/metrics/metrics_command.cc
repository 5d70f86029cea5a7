#include "cli/metrics/metrics_command.h"

#include "cli/metrics/daemon_metrics.h"
#include "cli/metrics/exposition.h"
#include "cli/metrics/file_replacement.h"
#include "cli/metrics/process_metrics.h"
#include "cli/metrics/vm_metrics.h"
#include "cli/page_line.h"

namespace pagemapd {
namespace {

ExitCode Collect(const Session& session, const MetricsOptions& options, Exposition* exposition) {
  v1::GetCapabilitiesResponse capabilities;
  const grpc::Status status = session.GetCapabilities(&capabilities);
  AddUp(status.ok(), exposition);
  if (!status.ok()) return session.Fail(status);
  AddCapabilities(capabilities, exposition);
  ExitTally tally;
  tally.Answered();

  v1::ListSwapAreasResponse areas;
  {
    grpc::ClientContext context;
    const grpc::Status listed = session.service().ListSwapAreas(&context, {}, &areas);
    if (listed.ok()) {
      AddSwapAreas(areas, capabilities.page_size_bytes(), exposition);
    } else {
      tally.Failed(session.Fail(listed));
    }
  }
  const SwapAreaPaths paths = SwapAreaPathsOf(areas);
  const MetricsSubject subject = {session, capabilities, paths};
  AddProcesses(subject, options.pids, exposition, &tally);
  AddVms(subject, options.qmp_paths, options.qmp_patience, exposition, &tally);

  // Last, so that the calls before are among those that it counts.
  v1::GetStatisticsResponse statistics;
  grpc::ClientContext context;
  const grpc::Status told = session.service().GetStatistics(&context, {}, &statistics);
  if (told.ok()) {
    AddStatistics(statistics, exposition);
  } else {
    tally.Failed(session.Fail(told));
  }
  return tally.code();
}

}  // namespace

ExitCode RunMetrics(const Session& session, const MetricsOptions& options) {
  Exposition exposition;
  const ExitCode code = Collect(session, options, &exposition);
  if (options.textfile.empty()) {
    session.out().Append(exposition.Text());
    return code;
  }
  const absl::Status written = ReplaceFile(options.textfile, exposition.Text());
  if (written.ok()) return code;
  session.Complain(written.message());
  return ExitCode::kFailed;
}

}  // namespace pagemapd
