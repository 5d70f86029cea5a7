#include "daemon/procfs/proc_root.h"

#include <fcntl.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

absl::StatusOr<UniqueFd> OpenRetrying(int directory, const char* name, int flags,
                                      absl::string_view shown) {
  int fd;
  do {
    // O_NONBLOCK for links to other files, as in map_files: who holds a lease on one (fcntl(2),
    // F_SETLEASE) could have open(2) wait for lease-break-time, 45 seconds.
    fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("open ", shown));
  return UniqueFd(fd);
}

}  // namespace

absl::StatusOr<UniqueFd> ProcRoot::Open(absl::string_view relative) const {
  const std::string path = absl::StrCat(path_, "/", relative);
  return OpenRetrying(AT_FDCWD, path.c_str(), 0, path);
}

absl::StatusOr<UniqueFd> ProcRoot::OpenDirectory(absl::string_view relative) const {
  const std::string path = absl::StrCat(path_, "/", relative);
  return OpenRetrying(AT_FDCWD, path.c_str(), O_DIRECTORY, path);
}

absl::StatusOr<UniqueFd> OpenAt(const UniqueFd& directory, const char* name,
                                absl::string_view shown) {
  return OpenRetrying(directory.get(), name, 0, shown);
}

}  // namespace pagemapd
