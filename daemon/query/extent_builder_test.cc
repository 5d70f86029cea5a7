#include "daemon/query/extent_builder.h"

#include <gtest/gtest.h>

#include <vector>

#include "daemon/page/page_size.h"

namespace pagemapd {
namespace {

constexpr uint64_t kBase = 0x7f0000000000;
const PageRecord kHole(PageState::kHole, PageSource::kSeek);

PageRecord Mapped(uint64_t pfn, PageFlags flags = kFlagFile) {
  return PageRecord::Mapped(PageSource::kPagemap, flags, pfn);
}

std::vector<Extent> Build(const ScanSpec& spec, const std::vector<PageRecord>& records) {
  std::vector<Extent> extents;
  ExtentBuilder(spec, &extents).Append(kBase, records);
  return extents;
}

TEST(ExtentBuilderTest, WhatIsNotAskedForDoesNotSplit) {
  const auto extents = Build({}, {Mapped(5), Mapped(9, 0), Mapped(1), kHole});
  ASSERT_EQ(extents.size(), 2);
  EXPECT_EQ(extents[0].start, kBase);
  EXPECT_EQ(extents[0].pages, 3);
  EXPECT_EQ(extents[0].first, PageRecord(PageState::kMapped, PageSource::kNone));
  EXPECT_EQ(extents[1].start, kBase + 3 * kPageSizeBytes);
}

TEST(ExtentBuilderTest, LocationsMustBeConsecutive) {
  ScanSpec spec;
  spec.fields = PageRecord::kLocationMask;
  const auto extents = Build(spec, {Mapped(5), Mapped(6), Mapped(7), Mapped(9), Mapped(0)});
  ASSERT_EQ(extents.size(), 3);
  EXPECT_EQ(extents[0].pages, 3);
  EXPECT_EQ(extents[1].first.pfn(), 9);
  EXPECT_FALSE(extents[2].first.has_location());
}

TEST(ExtentBuilderTest, SwapOffsetsOfOneAreaRunOn) {
  ScanSpec spec;
  spec.fields = PageRecord::kLocationMask;
  const auto swapped = [](uint32_t type, uint64_t offset) {
    return PageRecord::Swapped(PageSource::kPagemap, 0, {type, offset});
  };
  const auto extents = Build(spec, {swapped(0, 8), swapped(0, 9), swapped(1, 10)});
  ASSERT_EQ(extents.size(), 2);
  EXPECT_EQ(extents[0].pages, 2);
  EXPECT_EQ(extents[1].first.swap(), (SwapEntry{1, 10}));
}

TEST(ExtentBuilderTest, FlagsSplitWhenAskedFor) {
  ScanSpec spec;
  spec.fields = PageRecord::kFlagMask;
  EXPECT_EQ(Build(spec, {Mapped(5), Mapped(9, 0), Mapped(1, 0)}).size(), 2);
}

TEST(ExtentBuilderTest, FilterLeavesOutStates) {
  ScanSpec spec;
  spec.states = 1 << static_cast<int>(PageState::kHole);
  const auto extents = Build(spec, {Mapped(5), kHole, kHole, Mapped(6)});
  ASSERT_EQ(extents.size(), 1);
  EXPECT_EQ(extents[0].pages, 2);
}

TEST(ExtentBuilderTest, BlocksJoin) {
  ScanSpec spec;
  spec.fields = PageRecord::kLocationMask;
  std::vector<Extent> extents;
  ExtentBuilder builder(spec, &extents);
  builder.Append(kBase, {Mapped(5), Mapped(6)});
  builder.Append(kBase + 2 * kPageSizeBytes, {Mapped(7)});
  builder.Append(kBase + 4 * kPageSizeBytes, {Mapped(9)});
  ASSERT_EQ(extents.size(), 2) << "a gap splits, though the frames would fit";
  EXPECT_EQ(extents[0].pages, 3);
}

}  // namespace
}  // namespace pagemapd
