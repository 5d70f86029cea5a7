#include "cli/metrics/file_replacement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

// errno of the step that failed, or 0.
int WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return errno;
    if (written > 0) text.remove_prefix(written);
  }
  // The mode is the same whatever the umask.
  if (fchmod(fd, 0644) != 0 || fsync(fd) != 0) return errno;
  return 0;
}

}  // namespace

absl::Status ReplaceFile(const std::string& path, absl::string_view text) {
  const auto failed = [&](int error) {
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write ", path));
  };
  struct stat now;
  if (lstat(path.c_str(), &now) == 0 && !S_ISREG(now.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot write ", path, ": it is there, and no regular file"));
  }
  // In the same directory, for rename(2); node_exporter reads "*.prom" only.
  std::string temporary = absl::StrCat(path.substr(0, path.rfind('/') + 1), ".pagemapctl-XXXXXX");
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return failed(errno);
  int error = WriteAll(fd, text);
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  unlink(temporary.c_str());
  return failed(error);
}

}  // namespace pagemapd
