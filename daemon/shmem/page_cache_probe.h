#ifndef PAGEMAPD_DAEMON_SHMEM_PAGE_CACHE_PROBE_H_
#define PAGEMAPD_DAEMON_SHMEM_PAGE_CACHE_PROBE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "daemon/page/page_record.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// What the page cache of an object says of its pages, by system calls that any kernel has: states
// without locations. Nothing it does brings a page in or marks it accessed. Immutable; safe for any
// thread.
//
// Every state rests on a call that saw the page itself in that state, with two exceptions: see
// Resolution.
class PageCacheProbe {
 public:
  enum class Method {
    // cachestat over ranges, cut smaller until a range is all of one state (Linux 6.5).
    kCachestat,
    // mincore through a mapping of the daemon's own, and lseek for what is not resident. mincore
    // also calls a copy in the swap cache resident: while the system has any, resident pages of
    // tmpfs are kUnknown, but those that are known not to be in swap.
    kMincore,
  };

  // `root` is for /proc/meminfo.
  PageCacheProbe(Method method, const ProcRoot& root) : method_(method), root_(root) {}

  // What the caller knows of the pages.
  struct Known {
    // Records that are mapped with kFlagFile may be taken to be in the object's page cache, as
    // those of a file mapping are; this saves calls where mapped pages and others alternate.
    bool may_count = false;
    // No unsettled page was in swap when the caller looked.
    bool not_swapped = false;
  };

  struct Resolution {
    // Pages were settled by subtracting those that are mapped from those that are cached. That
    // holds if the mapped pages still are mapped after the call.
    bool counted = false;
    // Known::not_swapped was made use of: what is of the source kMincore now holds for those pages
    // that are not in swap after the call either.
    bool presumed = false;
  };

  // Settles every kUnsettled record of `records`, which are of the pages of `object` from
  // `first_index` on: hole, cached, swapped or, where it cannot be told, unknown. Leaves the
  // others alone.
  //
  // A page that was fallocated and never written is a hole, as SEEK_DATA has it.
  absl::StatusOr<Resolution> Resolve(const SharedObject& object, uint64_t first_index,
                                     absl::Span<PageRecord> records, Known known) const;

  // First index at or after `index` whose page may be other than a hole; at or past `limit` if
  // there is none before. `limit` bounds what is looked at, where that costs something.
  uint64_t SkipHoles(const SharedObject& object, uint64_t index, uint64_t limit) const;

  // What a hole that SkipHoles skips, and one that Resolve finds by the method itself, rests on.
  PageSource hole_source() const {
    return method_ == Method::kCachestat ? PageSource::kCachestat : PageSource::kSeek;
  }

 private:
  Method method_;
  ProcRoot root_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SHMEM_PAGE_CACHE_PROBE_H_
