#include "cli/pageout/page_out_range.h"

#include <algorithm>

#include "cli/process_mappings.h"

namespace pagemapd {
v1::PageOutRange ExpectedRange(const v1::Mapping& mapping, const AddressSpan& span,
                               uint64_t page_size_bytes) {
  v1::PageOutRange range;
  const uint64_t start = std::max(span.start, mapping.range().start());
  range.mutable_range()->set_start(start);
  range.mutable_range()->set_end(std::min(span.end, mapping.range().end()));
  // What the kernel or a device maps is neither an object nor private memory.
  if (mapping.kind() == v1::MAPPING_KIND_SPECIAL) return range;
  v1::PageOutRange::Expected& expected = *range.mutable_expected();
  if (mapping.has_object()) {
    *expected.mutable_object() = mapping.object();
    expected.set_object_index((mapping.offset_bytes() + (start - mapping.range().start())) /
                              page_size_bytes);
  }
  return range;
}

bool ExtendRange(const v1::PageOutRange& next, uint64_t page_size_bytes, v1::PageOutRange* range) {
  if (next.range().start() != range->range().end()) return false;
  if (next.has_expected() != range->has_expected()) return false;
  if (next.has_expected()) {
    const v1::PageOutRange::Expected& a = range->expected();
    const v1::PageOutRange::Expected& b = next.expected();
    if (a.has_object() != b.has_object()) return false;
    const uint64_t pages = (range->range().end() - range->range().start()) / page_size_bytes;
    if (a.has_object() &&
        !(SameObject(a.object(), b.object()) && b.object_index() == a.object_index() + pages)) {
      return false;
    }
  }
  range->mutable_range()->set_end(next.range().end());
  return true;
}

bool SelectRanges(const std::vector<v1::Mapping>& mappings, const std::vector<std::string>& globs,
                  const std::vector<AddressSpan>& spans, uint64_t page_size_bytes,
                  std::vector<v1::PageOutRange>* ranges, std::string* unmatched) {
  ranges->clear();
  std::vector<bool> matched(globs.size());
  for (const v1::Mapping& mapping : mappings) {
    bool wanted = false;
    for (size_t i = 0; i < globs.size(); ++i) {
      if (!MatchesGlob(globs[i], mapping)) continue;
      matched[i] = true;
      wanted = true;
    }
    if (!wanted || mapping.path() == "[vsyscall]") continue;
    const v1::PageOutRange range =
        ExpectedRange(mapping, {mapping.range().start(), mapping.range().end()}, page_size_bytes);
    if (!ranges->empty() && ExtendRange(range, page_size_bytes, &ranges->back())) continue;
    ranges->push_back(range);
  }
  const auto missing = std::find(matched.begin(), matched.end(), false);
  if (missing != matched.end()) {
    *unmatched = globs[missing - matched.begin()];
    return false;
  }
  for (const AddressSpan& span : Union(spans)) {
    v1::AddressRange& range = *ranges->emplace_back().mutable_range();
    range.set_start(span.start);
    range.set_end(span.end);
  }
  std::stable_sort(ranges->begin(), ranges->end(),
                   [](const v1::PageOutRange& a, const v1::PageOutRange& b) {
                     return a.range().start() < b.range().start();
                   });
  return true;
}

uint64_t PagesOf(const std::vector<v1::PageOutRange>& ranges, uint64_t page_size_bytes) {
  uint64_t pages = 0;
  for (const v1::PageOutRange& range : ranges) {
    const uint64_t start = range.range().start();
    if (range.range().end() > start) pages += (range.range().end() - start) / page_size_bytes;
  }
  return pages;
}

}  // namespace pagemapd
