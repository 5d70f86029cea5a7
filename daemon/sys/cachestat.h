#ifndef PAGEMAPD_DAEMON_SYS_CACHESTAT_H_
#define PAGEMAPD_DAEMON_SYS_CACHESTAT_H_

#include <cstdint>

namespace pagemapd {

// struct cachestat of include/uapi/linux/mman.h (Linux 6.5), in pages.
struct CacheStat {
  uint64_t cache = 0;
  uint64_t dirty = 0;
  uint64_t writeback = 0;
  // Page-cache entries that are no folio: for tmpfs, pages in swap, a copy in the swap cache or
  // not (filemap_cachestat in mm/filemap.c).
  uint64_t evicted = 0;
  uint64_t recently_evicted = 0;
};

// cachestat(2) (Linux 6.5) of `length_bytes` from `offset_bytes` of `fd`'s page cache. Returns 0
// or an errno: ENOSYS before 6.5, EOPNOTSUPP on hugetlbfs. `length_bytes` 0 would mean "to the
// end of the file": callers must not pass it. Pages past the end of the file count as nothing.
int CacheStatOf(int fd, uint64_t offset_bytes, uint64_t length_bytes, CacheStat* out);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_CACHESTAT_H_
