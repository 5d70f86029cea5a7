#include "daemon/sys/pagemap_scan.h"

#include <sys/ioctl.h>

#include <cerrno>

namespace pagemapd {
namespace {

// struct pm_scan_arg of include/uapi/linux/fs.h (Linux 6.7); not in the 6.1 headers.
struct PmScanArg {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t vec;
  uint64_t vec_len;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};
static_assert(sizeof(PmScanArg) == 96, "the size is part of the ioctl's number");
static_assert(sizeof(PageRegion) == 24, "the kernel writes an array of struct page_region");

// PAGEMAP_SCAN of include/uapi/linux/fs.h (Linux 6.7).
constexpr unsigned long kPagemapScan = _IOWR('f', 16, PmScanArg);

}  // namespace

PagemapScanResult PagemapScan(int pagemap_fd, PageRange range, uint64_t any_of,
                              uint64_t return_mask, uint64_t max_pages,
                              absl::Span<PageRegion> regions) {
  PmScanArg arg = {};
  arg.size = sizeof(arg);
  arg.start = range.start;
  arg.end = range.end;
  arg.vec = reinterpret_cast<uintptr_t>(regions.data());
  arg.vec_len = regions.size();
  arg.max_pages = max_pages;
  arg.category_anyof_mask = any_of;
  arg.return_mask = return_mask;
  // The kernel sets it even when it fails halfway; this is for when it fails before.
  arg.walk_end = range.start;
  PagemapScanResult result;
  const int filled = ioctl(pagemap_fd, kPagemapScan, &arg);
  result.walk_end = arg.walk_end;
  if (filled >= 0) {
    result.regions = filled;
  } else if (errno == ESRCH) {
    // The address space is gone. Kernels that do not say so find nothing.
    result.walk_end = range.end;
  } else {
    result.error = errno;
  }
  return result;
}

}  // namespace pagemapd
