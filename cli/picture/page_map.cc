#include "cli/picture/page_map.h"

#include <algorithm>
#include <utility>

namespace pagemapd {

PageMap::PageMap(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes)
    : mappings_(std::move(mappings)),
      page_size_bytes_(page_size_bytes),
      places_(mappings_.size()) {}

void PageMap::AddPicture(size_t mapping, uint64_t pages_per_cell) {
  places_[mapping] = {pictures_.size(), 0};
  pictures_.push_back({CellStrip(mappings_[mapping].pages, pages_per_cell), mapping, 1});
}

PageMap PageMap::Detail(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes,
                        uint64_t cells) {
  PageMap map(std::move(mappings), page_size_bytes);
  for (size_t i = 0; i < map.mappings_.size(); ++i) {
    map.AddPicture(i, PagesPerCell(map.mappings_[i].pages, cells));
  }
  return map;
}

PageMap PageMap::Even(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes,
                      uint64_t cells) {
  PageMap map(std::move(mappings), page_size_bytes);
  uint64_t pages = 0;
  for (const DrawnMapping& mapping : map.mappings_) pages += mapping.pages;
  const uint64_t pages_per_cell = PagesPerCell(std::max<uint64_t>(pages, 1), cells);
  for (size_t i = 0; i < map.mappings_.size(); ++i) map.AddPicture(i, pages_per_cell);
  return map;
}

PageMap PageMap::Overview(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes,
                          const OverviewRoom& room) {
  PageMap map(std::move(mappings), page_size_bytes);
  std::vector<size_t> drawn;
  std::vector<uint64_t> pages;
  for (size_t i = 0; i < map.mappings_.size(); ++i) {
    if (map.mappings_[i].reserved) continue;
    drawn.push_back(i);
    pages.push_back(map.mappings_[i].pages);
  }
  const OverviewLayout layout = LayOutOverview(pages, room);
  for (const size_t own : layout.own) map.AddPicture(drawn[own], layout.pages_per_cell);

  uint64_t shared_pages = 0;
  size_t sharers = 0;
  for (const size_t i : drawn) {
    if (map.places_[i].picture != kShared) continue;
    map.places_[i] = {map.pictures_.size(), shared_pages};
    shared_pages += map.mappings_[i].pages;
    ++sharers;
  }
  if (sharers > 0) {
    map.pictures_.push_back({CellStrip(shared_pages, layout.pages_per_cell), kShared, sharers});
  }
  return map;
}

void PageMap::Add(uint64_t start, uint64_t pages, PageStateIndex state) {
  while (pages > 0) {
    while (current_ < mappings_.size() &&
           (start - mappings_[current_].start) / page_size_bytes_ >= mappings_[current_].pages &&
           start >= mappings_[current_].start) {
      ++current_;
    }
    if (current_ == mappings_.size()) return;
    const DrawnMapping& mapping = mappings_[current_];
    if (start < mapping.start) {  // A gap: skip it.
      const uint64_t gap = (mapping.start - start) / page_size_bytes_;
      if (gap >= pages) return;
      start = mapping.start;
      pages -= gap;
    }
    const uint64_t first = (start - mapping.start) / page_size_bytes_;
    const uint64_t share = std::min(pages, mapping.pages - first);
    counts_[state] += share;
    const Place& place = places_[current_];
    if (place.picture == kShared) {
      reserved_counts_[state] += share;
    } else {
      pictures_[place.picture].strip.Add(place.first_page + first, share, state);
      pictures_[place.picture].counts[state] += share;
    }
    start += share * page_size_bytes_;
    pages -= share;
  }
}

}  // namespace pagemapd
