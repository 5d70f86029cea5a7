#ifndef PAGEMAPD_CLI_LOCAL_PROCESS_H_
#define PAGEMAPD_CLI_LOCAL_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace pagemapd {

// A process as this program's /proc has it. The daemon may be in another pid namespace, or on
// another machine: only the process with the start time that the daemon tells is the same.
struct LocalProcess {
  // The name that its main thread has given itself: any bytes but 0.
  std::string comm;
  uint64_t start_time_ticks = 0;
};

// Nothing if /proc does not tell.
std::optional<LocalProcess> ReadLocalProcess(pid_t pid);

// For tests: a /proc/PID/stat.
std::optional<LocalProcess> ParseProcessStat(absl::string_view text);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_LOCAL_PROCESS_H_
