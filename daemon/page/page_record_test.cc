#include "daemon/page/page_record.h"

#include <gtest/gtest.h>

namespace pagemapd {
namespace {

constexpr uint64_t Bit(int n) { return uint64_t{1} << n; }

PageRecord Decode(uint64_t bits, uint32_t marker_type = 31) {
  return DecodePagemapEntry(PagemapEntry(bits), marker_type);
}

TEST(PageRecordTest, PresentPageIsMappedWithItsFrameAndFlags) {
  const PageRecord record = Decode(Bit(63) | Bit(61) | Bit(56) | Bit(55) | Bit(57) | 0x123456);
  EXPECT_EQ(record.state(), PageState::kMapped);
  EXPECT_EQ(record.source(), PageSource::kPagemap);
  EXPECT_EQ(record.pfn(), 0x123456);
  EXPECT_EQ(record.flags(), kFlagFile | kFlagExclusive | kFlagSoftDirty | kFlagUffdWp);
}

TEST(PageRecordTest, HiddenFrameIsNoLocation) {
  EXPECT_FALSE(Decode(Bit(63)).has_location());
  EXPECT_EQ(Decode(Bit(63)).state(), PageState::kMapped);
}

TEST(PageRecordTest, EmptyEntryIsUnsettledAndKeepsItsFlags) {
  EXPECT_EQ(Decode(0).state(), PageState::kUnsettled);
  EXPECT_EQ(Decode(Bit(55)).flags(), kFlagSoftDirty);
}

TEST(PageRecordTest, SlotIsSwappedWithTypeAndOffset) {
  const PageRecord record = Decode(Bit(62) | 3 | uint64_t{4711} << 5);
  EXPECT_EQ(record.state(), PageState::kSwapped);
  EXPECT_EQ(record.swap(), (SwapEntry{3, 4711}));
}

TEST(PageRecordTest, SwapBitAloneIsNeverSwapped) {
  EXPECT_EQ(Decode(Bit(62)).state(), PageState::kUnknown);
  EXPECT_EQ(Decode(Bit(62) | Bit(58)).state(), PageState::kSpecial);
  EXPECT_EQ(Decode(Bit(62) | Bit(58)).flags(), kFlagGuard);
}

TEST(PageRecordTest, HighTypesAreSpecial) {
  for (uint64_t type = 0; type < kSwapTypes; ++type) {
    EXPECT_EQ(Decode(Bit(62) | type | Bit(5)).state(),
              type < kFirstSpecialSwapType ? PageState::kSwapped : PageState::kSpecial)
        << type;
  }
}

TEST(PageRecordTest, MarkerNamesItself) {
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(5)).flags(), kFlagUffdWp);
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(6)).flags(), kFlagHwpoison);
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(7)).flags(), kFlagGuard);
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(7), kSwapTypes).flags(), 0);
  EXPECT_EQ(Decode(Bit(62) | 30 | Bit(7)).flags(), 0);
}

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
