#ifndef PAGEMAPD_DAEMON_SYS_FILE_CREDENTIALS_H_
#define PAGEMAPD_DAEMON_SYS_FILE_CREDENTIALS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace pagemapd {

// Until it is destroyed, the kernel judges by one user, and by no power over others' files, what
// the calling thread may do to files: setfsuid(2), and without the capabilities of CAP_FS_MASK
// (include/linux/capability.h) that go by ownership. The thread keeps its right to other processes
// (CAP_SYS_PTRACE, CAP_SYS_NICE), and its groups unless it has CAP_SETGID: then it has none. To be
// destroyed by the thread that made it. A process that has changed a user id is no longer dumpable
// (commit_creds in kernel/cred.c).
class FileCredentials {
 public:
  // Absent: changes nothing. To become another user takes CAP_SETUID. Without it the thread stays
  // the user it is, who as the daemon's own owns nothing; if that is root: PERMISSION_DENIED.
  static absl::StatusOr<FileCredentials> ActAs(std::optional<uid_t> user);

  FileCredentials(FileCredentials&& other) noexcept;
  FileCredentials& operator=(FileCredentials&&) = delete;
  // Ends the process if what was cannot be restored.
  ~FileCredentials();

 private:
  // What was, as far as it has been changed.
  struct Saved {
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
    std::optional<uid_t> user;
    std::optional<std::vector<gid_t>> groups;
  };
  explicit FileCredentials(std::optional<Saved> saved) : saved_(std::move(saved)) {}

  // False: not all is as it was.
  static bool Restore(const Saved& saved);

  // Absent: there is nothing to restore, or another has it to.
  std::optional<Saved> saved_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_FILE_CREDENTIALS_H_
