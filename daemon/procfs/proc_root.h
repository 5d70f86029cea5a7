#ifndef PAGEMAPD_DAEMON_PROCFS_PROC_ROOT_H_
#define PAGEMAPD_DAEMON_PROCFS_PROC_ROOT_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// The proc filesystem, or a directory with the same files for tests. Every reader of procfs/
// opens its file through this. Immutable; safe for any thread.
class ProcRoot {
 public:
  explicit ProcRoot(std::string path = "/proc") : path_(std::move(path)) {}

  // Opens `relative` ("swaps", "42/maps") read-only, close-on-exec.
  absl::StatusOr<UniqueFd> Open(absl::string_view relative) const;

  // Opens a directory ("42") as a handle for openat. A handle on /proc/PID stays with that
  // process: once it is gone, opens below it fail with ESRCH, whoever has the pid then.
  absl::StatusOr<UniqueFd> OpenDirectory(absl::string_view relative) const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Opens `name` below `directory`, read-only, close-on-exec. `shown` names it in an error.
absl::StatusOr<UniqueFd> OpenAt(const UniqueFd& directory, const char* name,
                                absl::string_view shown);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_PROC_ROOT_H_
