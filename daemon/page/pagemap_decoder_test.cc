#include "daemon/page/pagemap_decoder.h"

#include <gtest/gtest.h>

namespace pagemapd {
namespace {

constexpr uint64_t Bit(int n) { return uint64_t{1} << n; }

PageRecord Decode(uint64_t bits,
                  const SpecialSwapTypes& special = LayOutSpecialSwapTypes(31, 0, true)) {
  return DecodePagemapEntry(PagemapEntry(bits), special);
}

TEST(PagemapDecoderTest, PresentPageIsMappedWithItsFrameAndFlags) {
  const PageRecord record = Decode(Bit(63) | Bit(61) | Bit(56) | Bit(55) | Bit(57) | 0x123456);
  EXPECT_EQ(record.state(), PageState::kMapped);
  EXPECT_EQ(record.source(), PageSource::kPagemap);
  EXPECT_EQ(record.pfn(), 0x123456);
  EXPECT_EQ(record.flags(), kFlagFile | kFlagExclusive | kFlagSoftDirty | kFlagUffdWp);
}

TEST(PagemapDecoderTest, HiddenFrameIsNoLocation) {
  EXPECT_FALSE(Decode(Bit(63)).has_location());
  EXPECT_EQ(Decode(Bit(63)).state(), PageState::kMapped);
}

TEST(PagemapDecoderTest, EmptyEntryIsUnsettledAndKeepsItsFlags) {
  EXPECT_EQ(Decode(0).state(), PageState::kUnsettled);
  EXPECT_EQ(Decode(Bit(55)).flags(), kFlagSoftDirty);
}

TEST(PagemapDecoderTest, SlotIsSwappedWithTypeAndOffset) {
  const PageRecord record = Decode(Bit(62) | 3 | uint64_t{4711} << 5);
  EXPECT_EQ(record.state(), PageState::kSwapped);
  EXPECT_EQ(record.swap(), (SwapEntry{3, 4711}));
}

TEST(PagemapDecoderTest, TheFileBitTellsASlotOfSharedMemory) {
  const PageRecord shared = Decode(Bit(62) | Bit(61) | Bit(57) | 21 | uint64_t{4711} << 5);
  EXPECT_EQ(shared, PageRecord::Swapped(PageSource::kMarker, kFlagFile | kFlagUffdWp, {21, 4711}));
  EXPECT_EQ(Decode(Bit(62) | 21 | uint64_t{4711} << 5),
            PageRecord::Swapped(PageSource::kPagemap, 0, {21, 4711}));
  // A file's page that is being migrated, or whose place may not be seen.
  EXPECT_EQ(Decode(Bit(62) | Bit(61) | 30 | Bit(7)).state(), PageState::kSpecial);
  EXPECT_EQ(Decode(Bit(62) | Bit(61)).state(), PageState::kUnknown);
}

TEST(PagemapDecoderTest, SwapBitAloneIsNeverSwapped) {
  EXPECT_EQ(Decode(Bit(62)).state(), PageState::kUnknown);
  EXPECT_EQ(Decode(Bit(62) | Bit(58)).state(), PageState::kSpecial);
  EXPECT_EQ(Decode(Bit(62) | Bit(58)).flags(), kFlagGuard);
}

TEST(PagemapDecoderTest, HighTypesAreSpecial) {
  for (uint64_t type = 0; type < kSwapTypes; ++type) {
    EXPECT_EQ(Decode(Bit(62) | type | Bit(5)).state(),
              type < kFirstSpecialSwapType ? PageState::kSwapped : PageState::kSpecial)
        << type;
  }
}

TEST(PagemapDecoderTest, MarkerNamesItself) {
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(5)).flags(), kFlagUffdWp);
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(6)).flags(), kFlagHwpoison);
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(7)).flags(), kFlagGuard);
  EXPECT_EQ(Decode(Bit(62) | 31 | Bit(7), {}).flags(), 0) << "not known on this kernel";
  EXPECT_EQ(Decode(Bit(62) | 30 | Bit(7)).flags(), kFlagMigration);
  EXPECT_EQ(Decode(Bit(62) | 27 | Bit(7)).flags(), kFlagHwpoison);
  EXPECT_EQ(Decode(Bit(62) | 26 | Bit(7)).flags(), 0);
}

}  // namespace
}  // namespace pagemapd
