#ifndef PAGEMAPD_DAEMON_SYS_PIDFD_H_
#define PAGEMAPD_DAEMON_SYS_PIDFD_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// pidfd_open(2) (Linux 5.3). NOT_FOUND if no process has the pid; INVALID_ARGUMENT if it is not
// positive or is a thread that leads no group.
absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid);

// False once every thread of the process has exited, reaped or not. Never blocks.
bool IsAlive(const UniqueFd& pidfd);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_PIDFD_H_
