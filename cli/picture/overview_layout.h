#ifndef PAGEMAPD_CLI_PICTURE_OVERVIEW_LAYOUT_H_
#define PAGEMAPD_CLI_PICTURE_OVERVIEW_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pagemapd {

// The smallest power of two that shares `pages` out to at most `cells` cells. Both positive.
uint64_t PagesPerCell(uint64_t pages, uint64_t cells);

// What a picture of many mappings has room for.
struct OverviewRoom {
  uint64_t cells_per_row = 40;
  uint64_t rows = 24;
  // Mappings drawn on their own.
  size_t mappings = 16;
};

// How many mappings share one picture in which every cell stands for the same number of pages.
struct OverviewLayout {
  uint64_t pages_per_cell = 1;
  // Indices of the mappings that start a row of their own, in order. The others are too small, or
  // too many, and are drawn end to end after them.
  std::vector<size_t> own;
};

// `pages` gives the size of each mapping; all positive.
OverviewLayout LayOutOverview(const std::vector<uint64_t>& pages, const OverviewRoom& room);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PICTURE_OVERVIEW_LAYOUT_H_
