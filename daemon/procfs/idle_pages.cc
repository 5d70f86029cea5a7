#include "daemon/procfs/idle_pages.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

// No frame has a higher number than 2^52: that many an address of the page table can name
// (arch/x86/include/asm/pgtable_types.h).
constexpr uint64_t kEndWord = (uint64_t{1} << 52) / 64;

}  // namespace

absl::StatusOr<IdlePages> IdlePages::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return IdlePages(std::move(fd), path);
}

absl::StatusOr<uint64_t> IdlePages::Read(uint64_t word) const {
  uint64_t bits = 0;
  if (word >= kEndWord) return bits;
  const ssize_t got = pread(fd_.get(), &bits, sizeof(bits), word * sizeof(bits));
  if (got < 0) {
    return ErrnoStatus(errno, absl::StrCat("pread ", path_, " of word ", word));
  }
  // The file ends with the last frame there can be.
  return got == sizeof(bits) ? bits : 0;
}

absl::Status IdlePages::Mark(uint64_t word, uint64_t bits) const {
  if (word >= kEndWord) return absl::OkStatus();
  // ENXIO: behind the last frame.
  if (pwrite(fd_.get(), &bits, sizeof(bits), word * sizeof(bits)) >= 0 || errno == ENXIO) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, absl::StrCat("pwrite ", path_, " of word ", word));
}

}  // namespace pagemapd
