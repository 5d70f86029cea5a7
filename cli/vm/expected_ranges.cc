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
    v1::PageOutRange range;
    const uint64_t start = std::max(span.start, mapping->range().start());
    range.mutable_range()->set_start(start);
    range.mutable_range()->set_end(std::min(span.end, mapping->range().end()));
    // What a device maps is neither an object nor private memory.
    if (mapping->kind() != v1::MAPPING_KIND_SPECIAL) {
      v1::PageOutRange::Expected& expected = *range.mutable_expected();
      if (mapping->has_object()) {
        *expected.mutable_object() = mapping->object();
        expected.set_object_index((mapping->offset_bytes() + (start - mapping->range().start())) /
                                  page_size_bytes);
      }
    }
    if (ranges.empty() || !ExtendRange(range, page_size_bytes, &ranges.back())) {
      ranges.push_back(std::move(range));
    }
  }
  return ranges;
}

}  // namespace pagemapd
