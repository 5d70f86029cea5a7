#include "cli/vm/expected_ranges.h"

#include <algorithm>

#include "cli/pageout/page_out_range.h"

namespace pagemapd {

std::vector<v1::PageOutRange> ExpectedRanges(const std::vector<v1::Mapping>& mappings,
                                             const AddressSpan& span, uint64_t page_size_bytes) {
  std::vector<v1::PageOutRange> ranges;
  auto mapping = std::partition_point(
      mappings.begin(), mappings.end(),
      [&](const v1::Mapping& candidate) { return candidate.range().end() <= span.start; });
  for (; mapping != mappings.end() && mapping->range().start() < span.end; ++mapping) {
    v1::PageOutRange range = ExpectedRange(*mapping, span, page_size_bytes);
    if (ranges.empty() || !ExtendRange(range, page_size_bytes, &ranges.back())) {
      ranges.push_back(std::move(range));
    }
  }
  return ranges;
}

}  // namespace pagemapd
