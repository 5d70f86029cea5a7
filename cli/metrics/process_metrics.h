#ifndef PAGEMAPD_CLI_METRICS_PROCESS_METRICS_H_
#define PAGEMAPD_CLI_METRICS_PROCESS_METRICS_H_

#include <cstdint>
#include <vector>

#include "cli/exit_code.h"
#include "cli/metrics/exposition.h"
#include "cli/page_line.h"
#include "cli/session.h"

namespace pagemapd {

// What it takes to count pages.
struct MetricsSubject {
  const Session& session;
  const v1::GetCapabilitiesResponse& capabilities;
  // Names of swap areas.
  const SwapAreaPaths& areas;
};

// Asks about `pids` and adds their pages by state and by swap area. Of a process that is gone, or
// that the caller may not ask about, a metric tells, and `tally` too; the others are counted.
void AddProcesses(const MetricsSubject& subject, const std::vector<int32_t>& pids,
                  Exposition* exposition, ExitTally* tally);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_PROCESS_METRICS_H_
