#include "daemon/reclaim/file_ownership.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/status/statusor.h"
#include "daemon/sys/file_credentials.h"

namespace pagemapd {

bool MayPageOutFile(int fd, std::optional<uid_t> files_of) {
  const absl::StatusOr<FileCredentials> credentials = FileCredentials::ActAs(files_of);
  if (!credentials.ok()) return false;
  // setfl in fs/fcntl.c asks the same of who sets O_NOATIME: inode_owner_or_capable.
  const int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NOATIME) == 0) return true;
  // By system call: glibc before 2.33 does without faccessat2(2) (Linux 5.8), and judges itself.
  return syscall(SYS_faccessat2, fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

}  // namespace pagemapd
