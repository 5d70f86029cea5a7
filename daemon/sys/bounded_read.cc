#include "daemon/sys/bounded_read.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::StatusOr<std::string> ReadUpTo(const UniqueFd& fd, size_t max_bytes,
                                     absl::string_view attempted) {
  std::string text;
  while (text.size() < max_bytes) {
    char buffer[16384];
    const ssize_t got = read(fd.get(), buffer, std::min(sizeof(buffer), max_bytes - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, attempted);
    if (got == 0) break;
    text.append(buffer, got);
  }
  return text;
}

}  // namespace pagemapd
