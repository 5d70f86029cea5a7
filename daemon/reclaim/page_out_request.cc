#include "daemon/reclaim/page_out_request.h"

#include <algorithm>
#include <utility>

namespace pagemapd {
namespace {

// What `range` expects `pages` pages further on.
std::optional<ExpectedMapping> ExpectedAt(const PageOutRange& range, uint64_t pages) {
  std::optional<ExpectedMapping> expected = range.expected;
  const bool has_object =
      expected.has_value() && (!(expected->device == DeviceNumber()) || expected->inode != 0);
  if (has_object) expected->object_index += pages;
  return expected;
}

}  // namespace

std::vector<PageOutRange> Normalize(std::vector<PageOutRange> ranges) {
  const auto starts_before = [](const PageOutRange& a, const PageOutRange& b) {
    return a.range.start < b.range.start;
  };
  // As they are if they come from a query.
  if (!std::is_sorted(ranges.begin(), ranges.end(), starts_before)) {
    std::stable_sort(ranges.begin(), ranges.end(), starts_before);
  }
  size_t kept = 0;
  for (PageOutRange& range : ranges) {
    if (kept > 0) {
      PageOutRange& last = ranges[kept - 1];
      if (range.range.end <= last.range.end) continue;
      if (range.range.start < last.range.end) {
        const PageRange cut = {range.range.start, last.range.end};
        range.expected = ExpectedAt(range, cut.Pages());
        range.range.start = last.range.end;
      }
      if (range.range.start == last.range.end &&
          range.expected == ExpectedAt(last, last.range.Pages())) {
        last.range.end = range.range.end;
        continue;
      }
    }
    ranges[kept++] = range;
  }
  ranges.resize(kept);
  return ranges;
}

}  // namespace pagemapd
