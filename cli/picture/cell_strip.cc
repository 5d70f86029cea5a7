#include "cli/picture/cell_strip.h"

#include <algorithm>

namespace pagemapd {

CellStrip::CellStrip(uint64_t pages, uint64_t pages_per_cell)
    : pages_(pages),
      pages_per_cell_(pages_per_cell),
      cells_((pages - 1) / pages_per_cell + 1, PageStateCounts{}) {}

void CellStrip::Add(uint64_t first, uint64_t pages, PageStateIndex state) {
  if (first >= pages_) return;
  const uint64_t end = first + std::min(pages, pages_ - first);
  while (first < end) {
    const uint64_t cell = first / pages_per_cell_;
    const uint64_t rest_of_cell = pages_per_cell_ - first % pages_per_cell_;
    const uint64_t share = std::min(rest_of_cell, end - first);
    cells_[cell][state] += share;
    first += share;
  }
}

}  // namespace pagemapd
