#ifndef PAGEMAPD_CLI_PICTURE_PAGE_MAP_H_
#define PAGEMAPD_CLI_PICTURE_PAGE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cli/picture/cell_strip.h"
#include "cli/picture/overview_layout.h"
#include "cli/picture/page_state_counts.h"

namespace pagemapd {

// A mapping to be drawn.
struct DrawnMapping {
  // Address, in bytes.
  uint64_t start = 0;
  // Positive.
  uint64_t pages = 0;
  // Address space that is set aside without access, often terabytes: counted, but not drawn.
  bool reserved = false;
};

// Puts pages into the cells of pictures of mappings as they come. Its memory depends on the number
// of cells and mappings, not of pages.
class PageMap {
 public:
  // Each mapping is a picture of its own, of at most `cells` cells.
  static PageMap Detail(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes,
                        uint64_t cells);
  // The same, but one cell is as many pages in all pictures, which together have about `cells`.
  static PageMap Even(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes, uint64_t cells);
  // One picture, laid out as LayOutOverview does.
  static PageMap Overview(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes,
                          const OverviewRoom& room);

  // Counts `pages` pages from the address `start`. Runs must come in address order; what no mapping
  // covers is dropped.
  void Add(uint64_t start, uint64_t pages, PageStateIndex state);

  // A strip of cells, and whose it is.
  struct Picture {
    CellStrip strip;
    // Index of the mapping; kShared for the strip in which the others lie end to end.
    size_t mapping;
    // Mappings in it.
    size_t mappings;
    PageStateCounts counts = {};
  };
  static constexpr size_t kShared = ~size_t{0};

  // In the mappings' order, the shared one last.
  const std::vector<Picture>& pictures() const { return pictures_; }
  const std::vector<DrawnMapping>& mappings() const { return mappings_; }

  // All that was counted, and its part in reserved mappings that are not drawn.
  const PageStateCounts& counts() const { return counts_; }
  const PageStateCounts& reserved_counts() const { return reserved_counts_; }

 private:
  // Where a mapping's first page lies; kShared as picture: nowhere.
  struct Place {
    size_t picture = kShared;
    uint64_t first_page = 0;
  };

  PageMap(std::vector<DrawnMapping> mappings, uint64_t page_size_bytes);
  void AddPicture(size_t mapping, uint64_t pages_per_cell);

  std::vector<DrawnMapping> mappings_;
  uint64_t page_size_bytes_;
  std::vector<Place> places_;
  std::vector<Picture> pictures_;
  PageStateCounts counts_ = {};
  PageStateCounts reserved_counts_ = {};
  // Mappings before this one end below the run that came last.
  size_t current_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PICTURE_PAGE_MAP_H_
