#ifndef PAGEMAPD_DAEMON_SYS_BOUNDED_READ_H_
#define PAGEMAPD_DAEMON_SYS_BOUNDED_READ_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// What is left of the file `fd`, at most `max_bytes` of it: one that is longer shows if asked for
// one byte more than it may have. `attempted` names the read in an error, such as "read
// /proc/42/status".
absl::StatusOr<std::string> ReadUpTo(const UniqueFd& fd, size_t max_bytes,
                                     absl::string_view attempted);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_BOUNDED_READ_H_
