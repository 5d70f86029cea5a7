#ifndef PAGEMAPD_DAEMON_SYS_ERRNO_STATUS_H_
#define PAGEMAPD_DAEMON_SYS_ERRNO_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// `error_number` as a status whose message is "ATTEMPTED: ENAME", such as
// "pread /proc/42/pagemap at 0x7f00: ESRCH". The code is absl::ErrnoToStatus's, but for ESRCH,
// which is NOT_FOUND. Call it once, where the syscall failed.
absl::Status ErrnoStatus(int error_number, absl::string_view attempted);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_ERRNO_STATUS_H_
