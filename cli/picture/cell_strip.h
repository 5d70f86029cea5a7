#ifndef PAGEMAPD_CLI_PICTURE_CELL_STRIP_H_
#define PAGEMAPD_CLI_PICTURE_CELL_STRIP_H_

#include <cstdint>
#include <vector>

#include "cli/picture/page_state_counts.h"

namespace pagemapd {

// A run of pages as a row of cells, each an equal share of them (the last may be shorter). Its
// memory depends on the number of cells, not of pages.
class CellStrip {
 public:
  // Both positive.
  CellStrip(uint64_t pages, uint64_t pages_per_cell);

  // Counts pages [first, first + pages) in `state`; what lies past the end is dropped.
  void Add(uint64_t first, uint64_t pages, PageStateIndex state);

  uint64_t pages() const { return pages_; }
  uint64_t pages_per_cell() const { return pages_per_cell_; }
  const std::vector<PageStateCounts>& cells() const { return cells_; }

 private:
  uint64_t pages_;
  uint64_t pages_per_cell_;
  std::vector<PageStateCounts> cells_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PICTURE_CELL_STRIP_H_
