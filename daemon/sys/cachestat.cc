#include "daemon/sys/cachestat.h"

#include <unistd.h>

#include <cerrno>

namespace pagemapd {
namespace {

// Linux 6.5, arch/x86/entry/syscalls/syscall_64.tbl; not in the 6.1 headers.
constexpr long kCachestatNumber = 451;

// struct cachestat_range of include/uapi/linux/mman.h (Linux 6.5).
struct CachestatRange {
  uint64_t off;
  uint64_t len;
};

static_assert(sizeof(CacheStat) == 5 * sizeof(uint64_t), "the kernel writes a struct cachestat");

}  // namespace

int CacheStatOf(int fd, uint64_t offset_bytes, uint64_t length_bytes, CacheStat* out) {
  CachestatRange range = {offset_bytes, length_bytes};
  return syscall(kCachestatNumber, fd, &range, out, 0u) == 0 ? 0 : errno;
}

}  // namespace pagemapd
