#include "cli/picture/page_map.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;

DrawnMapping At(uint64_t page, uint64_t pages, bool reserved = false) {
  return {page * kPage, pages, reserved};
}

TEST(PageMapTest, DetailDrawsEachMappingByItself) {
  PageMap map = PageMap::Detail({At(10, 8), At(18, 2), At(100, 1)}, kPage, 4);
  ASSERT_EQ(map.pictures().size(), 3u);
  map.Add(8 * kPage, 3, kMappedState);    // Two pages before any mapping.
  map.Add(11 * kPage, 8, kSwappedState);  // Into the next mapping.
  map.Add(19 * kPage, 200, kHoleState);   // Over the gap, and past the end.
  EXPECT_EQ(map.pictures()[0].strip.pages_per_cell(), 2u);
  EXPECT_EQ(map.pictures()[0].strip.cells()[0], (PageStateCounts{0, 1, 0, 1, 0, 0}));
  EXPECT_EQ(map.pictures()[0].counts, (PageStateCounts{0, 1, 0, 7, 0, 0}));
  EXPECT_EQ(map.pictures()[1].strip.cells()[0], (PageStateCounts{0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(map.pictures()[1].strip.cells()[1], (PageStateCounts{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(map.pictures()[2].counts, (PageStateCounts{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(map.counts(), (PageStateCounts{2, 1, 0, 8, 0, 0}));
}

TEST(PageMapTest, EvenCellsAreAsLargeInEveryPicture) {
  PageMap map = PageMap::Even({At(0, 100), At(200, 3)}, kPage, 26);
  ASSERT_EQ(map.pictures().size(), 2u);
  EXPECT_EQ(map.pictures()[0].strip.pages_per_cell(), 4u);
  EXPECT_EQ(map.pictures()[1].strip.pages_per_cell(), 4u);
  EXPECT_EQ(map.pictures()[1].strip.cells().size(), 1u);
}

TEST(PageMapTest, OverviewPutsSmallMappingsTogetherAndLeavesReservedOnesOut) {
  const OverviewRoom room = {16, 4, 8};
  PageMap map = PageMap::Overview(
      {At(0, 1), At(10, 64), At(100, 1), At(1000, 1 << 20, /*reserved=*/true), At(3000000, 1)},
      kPage, room);
  ASSERT_EQ(map.pictures().size(), 2u);
  EXPECT_EQ(map.pictures()[0].mapping, 1u);
  EXPECT_EQ(map.pictures()[1].mapping, PageMap::kShared);
  EXPECT_EQ(map.pictures()[1].mappings, 3u);
  EXPECT_EQ(map.pictures()[1].strip.pages(), 3u);
  map.Add(0, 1, kMappedState);
  map.Add(10 * kPage, 64, kSwappedState);
  map.Add(100 * kPage, 1, kCachedState);
  map.Add(1000 * kPage, 1 << 20, kHoleState);
  map.Add(3000000 * kPage, 1, kSpecialState);
  EXPECT_EQ(map.pictures()[0].counts, (PageStateCounts{0, 0, 0, 64, 0, 0}));
  EXPECT_EQ(map.pictures()[1].counts, (PageStateCounts{0, 1, 1, 0, 1, 0}));
  EXPECT_EQ(map.reserved_counts(), (PageStateCounts{1 << 20, 0, 0, 0, 0, 0}));
  EXPECT_EQ(map.counts(), (PageStateCounts{1 << 20, 1, 1, 64, 1, 0}));
}

TEST(PageMapTest, ReservedAloneIsNoPicture) {
  const PageMap map = PageMap::Overview({At(0, 1 << 30, true)}, kPage, OverviewRoom());
  EXPECT_TRUE(map.pictures().empty());
}

TEST(PageMapTest, TheEndOfTheAddressSpace) {
  const DrawnMapping vsyscall = {0xffffffffff600000, 1, false};
  PageMap map = PageMap::Detail({vsyscall}, kPage, 4);
  map.Add(vsyscall.start, 1, kUnknownState);
  map.Add(0xfffffffffffff000, 1, kUnknownState);
  EXPECT_EQ(map.counts()[kUnknownState], 1u);
}

}  // namespace
}  // namespace pagemapd
