#include "daemon/sys/pidfd.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid) {
  if (pid <= 0) return absl::InvalidArgumentError(absl::StrCat("pid ", pid, " is not positive"));
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0u));
  if (fd >= 0) return UniqueFd(fd);
  const int error = errno;
  // EINVAL, since Linux 6.16 ENOENT: no thread group has this number. It may be a thread, or,
  // before 6.16, a process that was being reaped at that moment.
  if ((error == EINVAL || error == ENOENT) && (kill(pid, 0) == 0 || errno != ESRCH)) {
    return absl::InvalidArgumentError(
        absl::StrCat("pid ", pid, " is a thread, not a process: ask for its thread group leader"));
  }
  return ErrnoStatus(error == EINVAL ? ESRCH : error, absl::StrCat("pidfd_open ", pid));
}

bool IsAlive(const UniqueFd& pidfd) {
  // poll passes over a negative descriptor.
  if (!pidfd) return false;
  pollfd poll_fd = {pidfd.get(), POLLIN, 0};
  int ready;
  do {
    ready = poll(&poll_fd, 1, 0);
  } while (ready < 0 && errno == EINTR);
  return ready == 0;
}

}  // namespace pagemapd
