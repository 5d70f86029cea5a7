#include "daemon/reclaim/page_out_extents.h"

#include <string>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kBase = 0x7000000;
constexpr uint64_t At(uint64_t page) { return kBase + (page << kPageShift); }

std::string Text(PageOutExtents& extents) {
  std::string text;
  for (const PageOutExtent& extent : extents.complete()) {
    text += std::to_string((extent.start - kBase) >> kPageShift) + "+" +
            std::to_string(extent.pages) + "=" + std::to_string(static_cast<int>(extent.outcome)) +
            " ";
  }
  extents.complete().clear();
  return text;
}

TEST(PageOutExtentsTest, JoinsWhatGoesOn) {
  PageOutExtents extents;
  extents.Add(At(0), 2, PageOutOutcome::kPagedOut);
  extents.Add(At(2), 3, PageOutOutcome::kPagedOut);
  EXPECT_EQ(Text(extents), "");
  extents.Add(At(5), 1, PageOutOutcome::kHole);
  EXPECT_EQ(Text(extents), "0+5=1 ");
  // A gap.
  extents.Add(At(7), 1, PageOutOutcome::kHole);
  EXPECT_EQ(Text(extents), "5+1=5 ");
  extents.Flush();
  EXPECT_EQ(Text(extents), "7+1=5 ");
  extents.Flush();
  EXPECT_EQ(Text(extents), "");
}

TEST(PageOutExtentsTest, EndsWithTheMapping) {
  PageOutExtents extents;
  extents.Add(At(0), 2, PageOutOutcome::kPagedOut);
  extents.EndMapping();
  extents.Add(At(2), 3, PageOutOutcome::kPagedOut);
  extents.Add(At(5), 3, PageOutOutcome::kPagedOut);
  extents.Flush();
  EXPECT_EQ(Text(extents), "0+2=1 2+6=1 ");
}

}  // namespace
}  // namespace pagemapd
