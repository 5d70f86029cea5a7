#include "daemon/page/page_counts.h"

#include <gtest/gtest.h>

#include <vector>

namespace pagemapd {
namespace {

TEST(PageCountsTest, CountsRunsLongerThanAByteHolds) {
  std::vector<PageRecord> records(1000, PageRecord(PageState::kHole, PageSource::kSeek));
  records.resize(1513, PageRecord(PageState::kUnknown, PageSource::kPagemap, kFlagFile));
  PageCounts counts;
  counts.Add(records);
  EXPECT_EQ(counts.of(PageState::kHole), 1000);
  EXPECT_EQ(counts.of(PageState::kUnknown), 513);
  EXPECT_EQ(counts.total(), 1513);
}

TEST(PageCountsTest, AddsUp) {
  PageCounts a, b;
  a.Add(PageState::kMapped, 2);
  b.Add(PageState::kMapped, 3);
  b.Add(PageState::kCached, 1);
  a += b;
  EXPECT_EQ(a.of(PageState::kMapped), 5);
  EXPECT_EQ(a.total(), 6);
}

TEST(PageCountsTest, SwapTypesTellKnownFromUnknown) {
  SwapTypeCounts counts{};
  AddSwapTypes({PageRecord::Swapped(PageSource::kPagemap, 0, {1, 7}),
                PageRecord(PageState::kSwapped, PageSource::kCachestat),
                PageRecord(PageState::kMapped, PageSource::kPagemap)},
               &counts);
  EXPECT_EQ(counts[1], 1);
  EXPECT_EQ(counts[kSwapTypes], 1);
}

}  // namespace
}  // namespace pagemapd
