#include "cli/picture/overview_layout.h"

#include <algorithm>
#include <numeric>

namespace pagemapd {
namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return a / b + (a % b != 0); }

}  // namespace

uint64_t PagesPerCell(uint64_t pages, uint64_t cells) {
  uint64_t per_cell = 1;
  while (DivideUp(pages, per_cell) > cells) per_cell *= 2;
  return per_cell;
}

OverviewLayout LayOutOverview(const std::vector<uint64_t>& pages, const OverviewRoom& room) {
  std::vector<size_t> by_size(pages.size());
  std::iota(by_size.begin(), by_size.end(), size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](size_t a, size_t b) { return pages[a] > pages[b]; });
  const uint64_t total = std::accumulate(pages.begin(), pages.end(), uint64_t{0});

  for (uint64_t per_cell = 1;; per_cell *= 2) {
    OverviewLayout layout;
    layout.pages_per_cell = per_cell;
    uint64_t rows = 0;
    uint64_t own_pages = 0;
    for (const size_t mapping : by_size) {
      const uint64_t cells = DivideUp(pages[mapping], per_cell);
      // A bar of less than an eighth of a row says too little for a row of its own.
      if (layout.own.size() == room.mappings || cells * 8 < room.cells_per_row) break;
      layout.own.push_back(mapping);
      own_pages += pages[mapping];
      rows += DivideUp(cells, room.cells_per_row);
    }
    rows += DivideUp(DivideUp(total - own_pages, per_cell), room.cells_per_row);
    if (rows <= room.rows) {
      std::sort(layout.own.begin(), layout.own.end());
      return layout;
    }
  }
}

}  // namespace pagemapd
