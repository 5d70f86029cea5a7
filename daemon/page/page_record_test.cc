#include "daemon/page/page_record.h"

#include <gtest/gtest.h>

namespace pagemapd {
namespace {

constexpr uint64_t Bit(int n) { return uint64_t{1} << n; }

TEST(PageRecordTest, LocationsThatDoNotFitAreLeftOut) {
  EXPECT_TRUE(PageRecord::Mapped(PageSource::kPagemap, 0, Bit(42) - 1).has_location());
  EXPECT_FALSE(PageRecord::Mapped(PageSource::kPagemap, 0, Bit(42)).has_location());
  EXPECT_EQ(PageRecord::Swapped(PageSource::kPagemap, 0, {7, Bit(37) - 1}).swap(),
            (SwapEntry{7, Bit(37) - 1}));
  const PageRecord beyond = PageRecord::Swapped(PageSource::kPagemap, 0, {7, Bit(37)});
  EXPECT_FALSE(beyond.has_location());
  EXPECT_EQ(beyond.state(), PageState::kSwapped);
}

TEST(PageRecordTest, OnlyKeepsTheStateAndWhatIsAsked) {
  const PageRecord record = PageRecord::Mapped(PageSource::kPagemap, kFlagFile, 99);
  EXPECT_EQ(record.Only(0), PageRecord(PageState::kMapped, PageSource::kNone));
  EXPECT_EQ(record.Only(PageRecord::kFlagMask).flags(), kFlagFile);
  EXPECT_EQ(record.Only(PageRecord::kLocationMask).pfn(), 99);
}

TEST(PageRecordTest, AdvanceMovesTheLocationOnly) {
  EXPECT_EQ(PageRecord::Mapped(PageSource::kPagemap, kFlagFile, 99).Advance(3),
            PageRecord::Mapped(PageSource::kPagemap, kFlagFile, 102));
  EXPECT_EQ(PageRecord::Swapped(PageSource::kPagemap, 0, {31, 5}).Advance(3),
            PageRecord::Swapped(PageSource::kPagemap, 0, {31, 8}));
  const PageRecord hole(PageState::kHole, PageSource::kSeek);
  EXPECT_EQ(hole.Advance(3), hole);
}

}  // namespace
}  // namespace pagemapd
