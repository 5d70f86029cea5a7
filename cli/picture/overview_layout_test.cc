#include "cli/picture/overview_layout.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(PagesPerCellTest, IsTheSmallestPowerOfTwoThatFits) {
  EXPECT_EQ(PagesPerCell(1, 64), 1u);
  EXPECT_EQ(PagesPerCell(64, 64), 1u);
  EXPECT_EQ(PagesPerCell(65, 64), 2u);
  EXPECT_EQ(PagesPerCell(uint64_t{1} << 28, 1024), uint64_t{1} << 18);
}

TEST(OverviewLayoutTest, SmallMappingsShareRows) {
  // One large, one middling, many small.
  std::vector<uint64_t> pages(40, 3);
  pages[7] = 1 << 20;
  pages[30] = 1 << 16;
  const OverviewLayout layout = LayOutOverview(pages, {64, 24, 16});
  EXPECT_EQ(layout.pages_per_cell, 1024u);
  EXPECT_EQ(layout.own, (std::vector<size_t>{7, 30}));
}

TEST(OverviewLayoutTest, FewPagesGetACellEach) {
  const OverviewLayout layout = LayOutOverview({10, 20, 30}, {40, 24, 16});
  EXPECT_EQ(layout.pages_per_cell, 1u);
  EXPECT_EQ(layout.own, (std::vector<size_t>{0, 1, 2}));
}

TEST(OverviewLayoutTest, KeepsToTheRoom) {
  for (const size_t mappings : {1, 5, 17, 300}) {
    std::vector<uint64_t> pages;
    for (size_t i = 0; i < mappings; ++i) pages.push_back(1 + (i * 7919) % 100000);
    const OverviewRoom room = {40, 24, 16};
    const OverviewLayout layout = LayOutOverview(pages, room);
    EXPECT_LE(layout.own.size(), room.mappings);
    uint64_t rows = 0;
    uint64_t rest = 0;
    for (size_t i = 0, next = 0; i < pages.size(); ++i) {
      if (next < layout.own.size() && layout.own[next] == i) {
        ++next;
        rows += (pages[i] - 1) / layout.pages_per_cell / room.cells_per_row + 1;
      } else {
        rest += pages[i];
      }
    }
    if (rest > 0) rows += (rest - 1) / layout.pages_per_cell / room.cells_per_row + 1;
    EXPECT_LE(rows, room.rows) << mappings;
  }
}

TEST(OverviewLayoutTest, NothingIsNothing) {
  EXPECT_TRUE(LayOutOverview({}, OverviewRoom()).own.empty());
}

}  // namespace
}  // namespace pagemapd
