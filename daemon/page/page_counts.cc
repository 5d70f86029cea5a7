#include "daemon/page/page_counts.h"

#include <algorithm>
#include <cstddef>

namespace pagemapd {

uint64_t PageCounts::total() const {
  uint64_t sum = 0;
  for (uint64_t pages : pages_) sum += pages;
  return sum;
}

void PageCounts::Add(absl::Span<const PageRecord> records) {
  // Eight counters of a byte each in one register: a page costs a shift and an add, and no store
  // waits for the one before it. 255 pages cannot overflow a byte.
  for (size_t begin = 0; begin < records.size(); begin += 255) {
    const size_t end = std::min(records.size(), begin + 255);
    uint64_t bytes = 0;
    for (size_t i = begin; i < end; ++i) {
      bytes += uint64_t{1} << (8 * (records[i].bits() & PageRecord::kStateMask));
    }
    for (int state = 0; state <= kPageStates; ++state) {
      pages_[state] += (bytes >> (8 * state)) & 0xff;
    }
  }
}

PageCounts& PageCounts::operator+=(const PageCounts& other) {
  for (size_t i = 0; i < pages_.size(); ++i) pages_[i] += other.pages_[i];
  return *this;
}

void AddSwapTypes(absl::Span<const PageRecord> records, SwapTypeCounts* counts) {
  for (PageRecord record : records) {
    if (record.state() != PageState::kSwapped) continue;
    ++(*counts)[record.has_location() ? record.swap().type : kSwapTypes];
  }
}

}  // namespace pagemapd
