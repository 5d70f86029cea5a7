#include "cli/picture/cell_strip.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(CellStripTest, SplitsRunsAtCellBorders) {
  CellStrip strip(10, 4);
  ASSERT_EQ(strip.cells().size(), 3u);
  strip.Add(0, 2, kHoleState);
  strip.Add(2, 7, kMappedState);
  strip.Add(9, 1, kSwappedState);
  EXPECT_EQ(strip.cells()[0], (PageStateCounts{2, 2, 0, 0, 0, 0}));
  EXPECT_EQ(strip.cells()[1], (PageStateCounts{0, 4, 0, 0, 0, 0}));
  EXPECT_EQ(strip.cells()[2], (PageStateCounts{0, 1, 0, 1, 0, 0}));
}

TEST(CellStripTest, DropsWhatLiesPastTheEnd) {
  CellStrip strip(10, 4);
  strip.Add(8, ~uint64_t{0}, kCachedState);
  strip.Add(10, 1, kCachedState);
  strip.Add(~uint64_t{0}, 5, kCachedState);
  EXPECT_EQ(strip.cells()[0], PageStateCounts{});
  EXPECT_EQ(strip.cells()[2], (PageStateCounts{0, 0, 2, 0, 0, 0}));
}

TEST(CellStripTest, ATerabyteOfHolesIsCheap) {
  CellStrip strip(uint64_t{1} << 28, uint64_t{1} << 18);
  strip.Add(0, uint64_t{1} << 28, kHoleState);
  ASSERT_EQ(strip.cells().size(), 1024u);
  for (const PageStateCounts& cell : strip.cells()) EXPECT_EQ(cell[kHoleState], 1u << 18);
}

}  // namespace
}  // namespace pagemapd
