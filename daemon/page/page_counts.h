#ifndef PAGEMAPD_DAEMON_PAGE_PAGE_COUNTS_H_
#define PAGEMAPD_DAEMON_PAGE_PAGE_COUNTS_H_

#include <array>
#include <cstdint>

#include "absl/types/span.h"
#include "daemon/page/page_record.h"

namespace pagemapd {

// Pages by state.
class PageCounts {
 public:
  uint64_t of(PageState state) const { return pages_[static_cast<int>(state)]; }
  uint64_t total() const;

  void Add(PageState state, uint64_t pages) { pages_[static_cast<int>(state)] += pages; }
  void Add(absl::Span<const PageRecord> records);
  PageCounts& operator+=(const PageCounts& other);

 private:
  std::array<uint64_t, kPageStates + 1> pages_{};
};

// Swapped pages by swap type; the last place is for those whose location is not known.
using SwapTypeCounts = std::array<uint64_t, kSwapTypes + 1>;

// Adds the swapped pages among `records`.
void AddSwapTypes(absl::Span<const PageRecord> records, SwapTypeCounts* counts);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_PAGE_COUNTS_H_
