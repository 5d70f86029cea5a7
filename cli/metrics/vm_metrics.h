#ifndef PAGEMAPD_CLI_METRICS_VM_METRICS_H_
#define PAGEMAPD_CLI_METRICS_VM_METRICS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "cli/metrics/exposition.h"
#include "cli/metrics/process_metrics.h"

namespace pagemapd {

// Asks each QEMU behind `qmp_paths` for its RAM blocks, and adds the pages of each by state and by
// swap area. Of a VM that cannot be counted, or only in part, a metric tells, and `tally` too; the
// others are counted. Each QEMU has `patience` for all of its answers together.
void AddVms(const MetricsSubject& subject, const std::vector<std::string>& qmp_paths,
            absl::Duration patience, Exposition* exposition, ExitTally* tally);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_VM_METRICS_H_
