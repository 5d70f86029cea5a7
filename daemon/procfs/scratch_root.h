#ifndef PAGEMAPD_DAEMON_PROCFS_SCRATCH_ROOT_H_
#define PAGEMAPD_DAEMON_PROCFS_SCRATCH_ROOT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// For tests: a directory of its own that stands for /proc, removed with all in it at the end.
class ScratchRoot {
 public:
  ScratchRoot();
  ScratchRoot(const ScratchRoot&) = delete;
  ScratchRoot& operator=(const ScratchRoot&) = delete;
  ~ScratchRoot();

  // Makes or replaces the file `relative` ("42/stat") and the directories above it.
  void Write(const std::string& relative, absl::string_view bytes) const;

  const std::string& path() const { return path_; }
  ProcRoot root() const { return ProcRoot(path_); }

 private:
  std::string path_;
};

// For tests: an open file that holds `bytes`, at its beginning.
UniqueFd OpenHolding(absl::string_view bytes);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_SCRATCH_ROOT_H_
