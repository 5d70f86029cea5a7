#ifndef PAGEMAPD_DAEMON_RECLAIM_IDLE_FILTER_H_
#define PAGEMAPD_DAEMON_RECLAIM_IDLE_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "daemon/page/page_record.h"
#include "daemon/procfs/idle_pages.h"
#include "daemon/procfs/kpageflags.h"

namespace pagemapd {

// Tells pages that nobody has touched since the last look from those in use, and makes this look
// the last. Keeps its storage. Not thread-safe.
class IdleFilter {
 public:
  // Both may be null, must outlive the filter, and are needed for LeaveOutUsed; without
  // `kpageflags` pages of large folios count as in use but for the first.
  IdleFilter(const IdlePages* idle_pages, const KPageFlags* kpageflags)
      : idle_pages_(idle_pages), kpageflags_(kpageflags) {}

  // Of the pages `chosen` (places in `records`, mapped and with a PFN) finds those in use, into
  // used(). Unless `leave_no_marks`, those are marked, so that the next look finds them idle unless
  // they are touched. A folio that the call before found in use is so in this one too: it may go on
  // from there, and has that call's mark.
  absl::Status FindUsed(absl::Span<const PageRecord> records, absl::Span<const uint32_t> chosen,
                        bool leave_no_marks);

  absl::Span<const uint32_t> used() const { return used_; }

 private:
  // The first frame of the folio that `pfn` is of.
  absl::StatusOr<uint64_t> HeadOf(uint64_t pfn);

  struct Candidate {
    uint64_t head;
    uint32_t place;
  };

  const IdlePages* idle_pages_;
  const KPageFlags* kpageflags_;
  std::vector<Candidate> candidates_;
  std::vector<uint32_t> used_;
  std::vector<uint64_t> flags_;
  // The first frames of those in use, of this call and of the one before, sorted.
  std::vector<uint64_t> used_heads_;
  std::vector<uint64_t> last_used_heads_;
  // The folio that was met last: [first, end).
  uint64_t folio_first_ = 0;
  uint64_t folio_end_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_IDLE_FILTER_H_
