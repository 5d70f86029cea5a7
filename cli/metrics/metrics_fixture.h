#ifndef PAGEMAPD_CLI_METRICS_METRICS_FIXTURE_H_
#define PAGEMAPD_CLI_METRICS_METRICS_FIXTURE_H_

#include <string>

#include "cli/command_fixture.h"
#include "cli/metrics/metrics_command.h"
#include "cli/vm/qmp_peer.h"

namespace pagemapd {

// Runs `metrics` against a daemon that has something to tell for every metric. Of two targets the
// first is this process, with pages in swap, and the second is gone: be they processes, or blocks
// of the VM that `script_` plays.
class MetricsTest : public CommandTest {
 protected:
  MetricsTest();

  Result RunMetricsWith(const MetricsOptions& options);
  // With a VM at `qmp_paths[0]`.
  Result RunMetricsOfVm(MetricsOptions options);

  // The lines of `out` that begin with `name`, which HELP and TYPE do not.
  static std::string SamplesOf(const std::string& name, const std::string& out);

  QmpScript script_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_METRICS_FIXTURE_H_
