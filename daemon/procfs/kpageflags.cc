#include "daemon/procfs/kpageflags.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::StatusOr<KPageFlags> KPageFlags::Open(const ProcRoot& root) {
  auto fd = root.Open("kpageflags");
  if (!fd.ok()) return fd.status();
  return KPageFlags(*std::move(fd), absl::StrCat(root.path(), "/kpageflags"));
}

absl::Status KPageFlags::Read(uint64_t pfn, absl::Span<uint64_t> flags) const {
  constexpr uint64_t kPfnsWithAnOffset =
      std::numeric_limits<off_t>::max() / static_cast<off_t>(sizeof(uint64_t));
  char* const bytes = reinterpret_cast<char*>(flags.data());
  size_t wanted = 0;
  if (pfn < kPfnsWithAnOffset) {
    wanted = std::min<uint64_t>(flags.size(), kPfnsWithAnOffset - pfn) * sizeof(uint64_t);
  }
  size_t done = 0;
  while (done < wanted) {
    const ssize_t got =
        pread(fd_.get(), bytes + done, wanted - done, pfn * sizeof(uint64_t) + done);
    if (got < 0 && errno == EINTR) continue;
    // kpage_read in fs/proc/page.c: the end of the file is the last frame there can be; kernels
    // differ in whether a read beyond it is an error.
    if (got == 0 || (got < 0 && errno == EINVAL)) break;
    if (got < 0) {
      return ErrnoStatus(errno, absl::StrCat("pread ", shown_, " of frame 0x", absl::Hex(pfn)));
    }
    done += got;
  }
  std::fill(flags.begin() + done / sizeof(uint64_t), flags.end(), kKpfNoPage);
  return absl::OkStatus();
}

}  // namespace pagemapd
