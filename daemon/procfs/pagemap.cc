#include "daemon/procfs/pagemap.h"

#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::StatusOr<Pagemap> Pagemap::Open(const Process& process) {
  auto fd = process.Open("pagemap");
  if (!fd.ok()) return fd.status();
  return Pagemap(*std::move(fd), absl::StrCat("/proc/", process.pid(), "/pagemap"));
}

absl::StatusOr<size_t> Pagemap::Read(uint64_t address, absl::Span<uint64_t> entries) const {
  // At most 2^55, so that any address is a valid offset.
  const off_t offset = (address >> kPageShift) * sizeof(uint64_t);
  char* const bytes = reinterpret_cast<char*>(entries.data());
  const size_t wanted = entries.size() * sizeof(uint64_t);
  size_t done = 0;
  while (done < wanted) {
    const ssize_t got = pread(fd_.get(), bytes + done, wanted - done, offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return ErrnoStatus(errno, absl::StrCat("pread ", shown_, " at 0x", absl::Hex(address)));
    }
    if (got == 0) break;
    done += got;
  }
  return done / sizeof(uint64_t);
}

}  // namespace pagemapd
