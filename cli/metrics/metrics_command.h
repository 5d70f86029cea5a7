#ifndef PAGEMAPD_CLI_METRICS_METRICS_COMMAND_H_
#define PAGEMAPD_CLI_METRICS_METRICS_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/session.h"

namespace pagemapd {

struct MetricsOptions {
  std::vector<int32_t> pids;
  std::vector<std::string> qmp_paths;
  // Replaced in one step; empty: standard output.
  std::string textfile;
  // For all that each QEMU is asked: one that hangs must not keep the others' figures back for
  // long.
  absl::Duration qmp_patience = absl::Seconds(5);
};

// How long a call of the daemon may take: a process that holds up who looks at it, as any can, must
// not keep the others' figures back for good. A terabyte in RAM takes some ten seconds.
inline constexpr absl::Duration kMetricsCallLimit = absl::Seconds(60);

// `pagemapctl metrics`: what a Prometheus should know, in its text format, whatever the session's.
// Something is written in any case: of a daemon that cannot be reached, that it is not up.
ExitCode RunMetrics(const Session& session, const MetricsOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_METRICS_COMMAND_H_
