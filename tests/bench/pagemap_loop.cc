#include "tests/bench/pagemap_loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/text_file.h"

namespace pagemapd {

absl::StatusOr<PagemapLoop> PagemapLoop::Open(pid_t pid, size_t entries_per_read) {
  const std::string path = absl::StrCat("/proc/", pid, "/pagemap");
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoError(path);
  return PagemapLoop(std::move(fd), entries_per_read);
}

absl::StatusOr<PagemapTally> PagemapLoop::Count(const PageRange& range) {
  constexpr uint64_t kPresent = uint64_t{1} << 63;
  constexpr uint64_t kSwapped = uint64_t{1} << 62;
  PagemapTally tally;
  uint64_t next = range.start / kPageSizeBytes;
  const uint64_t end = range.end / kPageSizeBytes;
  while (next < end) {
    const size_t wanted = std::min<uint64_t>(buffer_.size(), end - next);
    const ssize_t got =
        pread(fd_.get(), buffer_.data(), wanted * sizeof(uint64_t), next * sizeof(uint64_t));
    if (got < 0) return ErrnoError("pread of pagemap");
    if (got == 0) return absl::UnavailableError("the target is gone");
    const size_t entries = got / sizeof(uint64_t);
    for (size_t i = 0; i < entries; ++i) {
      const uint64_t entry = buffer_[i];
      if (entry & kPresent) {
        ++tally.present;
      } else if (entry & kSwapped) {
        ++tally.swapped;
      } else {
        ++tally.none;
      }
    }
    next += entries;
  }
  return tally;
}

}  // namespace pagemapd
