#include "daemon/query/extent_builder.h"

#include <cstddef>

#include "daemon/page/page_size.h"

namespace pagemapd {

uint64_t Extent::End() const { return start + (pages << kPageShift); }

bool Extent::Join(const Extent& next) {
  if (End() != next.start || first.Advance(pages) != next.first) return false;
  pages += next.pages;
  return true;
}

void ExtentBuilder::Add(const Extent& extent) {
  if (!spec_.Wants(extent.first.state())) return;
  if (extents_->empty() || !extents_->back().Join(extent)) extents_->push_back(extent);
}

void ExtentBuilder::Append(uint64_t address, absl::Span<const PageRecord> records) {
  const uint64_t mask = spec_.fields;
  for (size_t i = 0; i < records.size();) {
    const size_t begin = i;
    const PageRecord first = records[i].Only(mask);
    ++i;
    if (first.has_location()) {
      while (i < records.size() && records[i].Only(mask) == first.Advance(i - begin)) ++i;
    } else {
      while (i < records.size() && records[i].Only(mask) == first) ++i;
    }
    Add({address + (begin << kPageShift), i - begin, first});
  }
}

void ExtentBuilder::AppendRun(uint64_t address, uint64_t pages, PageRecord record) {
  Add({address, pages, record.Only(spec_.fields)});
}

}  // namespace pagemapd
