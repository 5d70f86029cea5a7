#ifndef PAGEMAPD_DAEMON_SYS_PAGEMAP_SCAN_H_
#define PAGEMAPD_DAEMON_SYS_PAGEMAP_SCAN_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "daemon/page/page_range.h"

namespace pagemapd {

// Page categories, PAGE_IS_* of include/uapi/linux/fs.h (Linux 6.7).
inline constexpr uint64_t kPageIsWpAllowed = 1 << 0;
inline constexpr uint64_t kPageIsWritten = 1 << 1;
inline constexpr uint64_t kPageIsFile = 1 << 2;
inline constexpr uint64_t kPageIsPresent = 1 << 3;
inline constexpr uint64_t kPageIsSwapped = 1 << 4;
inline constexpr uint64_t kPageIsPfnZero = 1 << 5;
inline constexpr uint64_t kPageIsHuge = 1 << 6;
inline constexpr uint64_t kPageIsSoftDirty = 1 << 7;

// struct page_region of include/uapi/linux/fs.h: addresses in bytes, half-open.
struct PageRegion {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};

struct PagemapScanResult {
  // 0 or an errno: ENOTTY before Linux 6.7. An address space that is gone is no error: it reads
  // as one without pages, so that only a check of the process afterwards tells.
  int error = 0;
  // Regions filled.
  size_t regions = 0;
  // Where the walk ended: the range's end, or where `regions` was full, max_pages reached or an
  // error met.
  uint64_t walk_end = 0;
};

// ioctl(PAGEMAP_SCAN) (Linux 6.7) on an open /proc/PID/pagemap: the regions of `range` that have
// any of the categories `any_of`, each with its categories cut to `return_mask`, in address order.
// `range` must lie in the user half. At most `max_pages` pages are reported; 0: no limit. Changes
// nothing in the target. Interrupted calls are taken up again by the caller, at walk_end.
PagemapScanResult PagemapScan(int pagemap_fd, PageRange range, uint64_t any_of,
                              uint64_t return_mask, uint64_t max_pages,
                              absl::Span<PageRegion> regions);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_PAGEMAP_SCAN_H_
