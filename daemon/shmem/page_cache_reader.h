#ifndef PAGEMAPD_DAEMON_SHMEM_PAGE_CACHE_READER_H_
#define PAGEMAPD_DAEMON_SHMEM_PAGE_CACHE_READER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/bpf/page_cache_walker.h"
#include "daemon/page/folio_counts.h"
#include "daemon/page/page_record.h"
#include "daemon/page/special_swap_types.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// What the page cache of a tmpfs object says of its pages, read entry by entry through BPF: states
// with the place in swap. One a thread; objects of kind kTmpfs only.
//
// Each page is told as it was at one moment of the call, and pages of the same leaf (64) of nearly
// the same moment.
class PageCacheReader {
 public:
  // `walker` must outlive the reader; no other reader may have its `slice`.
  PageCacheReader(PageCacheWalker& walker, int slice, const SpecialSwapTypes& special)
      : walker_(walker), slice_(slice), special_(special) {}

  // Settles every kUnsettled record of `records`, which are of the pages of `object` from
  // `first_index` on: hole, cached, swapped with its location, special, or, where the entry kept
  // changing, unknown. Leaves the others alone.
  //
  // A page that was fallocated and never written is a hole, as SEEK_DATA has it.
  absl::Status Resolve(const SharedObject& object, uint64_t first_index,
                       absl::Span<PageRecord> records);

  // The same for records whose content is of no account: all of them are written.
  absl::Status Read(const SharedObject& object, uint64_t first_index,
                    absl::Span<PageRecord> records);

  // An index in [index, limit] before which, from `index` on, all are holes.
  absl::StatusOr<uint64_t> SkipHoles(const SharedObject& object, uint64_t index, uint64_t limit);

  // Adds to `counts` the pages that `records` has as resident or swapped in this object, and that
  // still are. The records must be settled.
  absl::Status CountFolios(const SharedObject& object, uint64_t first_index,
                           absl::Span<const PageRecord> records, FolioCounts* counts);

 private:
  // Calls `visit(leaf, slot, first, pages)` for each leaf: `pages` pages from `slot` on are those
  // from `first` on of the range.
  template <typename Visit>
  absl::Status ForEachLeaf(int fd, uint64_t first_index, size_t pages, bool sizes, Visit visit);
  // Of a swap entry, `distance` pages on.
  PageRecord DecodeValue(uint64_t value, uint64_t distance) const;
  PageRecord DecodeSlot(const page_cache_leaf& leaf, size_t slot) const;
  // Settles the records of the pages from `slot` on, the first of which has `index`.
  template <bool kOverwrite>
  void SettleLeaf(const page_cache_leaf& leaf, size_t slot, uint64_t index,
                  absl::Span<PageRecord> records) const;
  template <bool kOverwrite>
  void SettlePages(const page_cache_leaf& leaf, size_t slot, absl::Span<PageRecord> records) const;

  PageCacheWalker& walker_;
  int slice_;
  SpecialSwapTypes special_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SHMEM_PAGE_CACHE_READER_H_
