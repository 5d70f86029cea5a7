#include "daemon/page/page_range.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kUserEnd = 0x00fffffffffff000;

TEST(PageRangeTest, CountsAndContains) {
  const PageRange range = {0x7f0000001000, 0x7f0000004000};
  EXPECT_EQ(range.Pages(), 3u);
  EXPECT_FALSE(range.Empty());
  EXPECT_FALSE(range.Contains(0x7f0000000fff));
  EXPECT_TRUE(range.Contains(0x7f0000001000));
  EXPECT_TRUE(range.Contains(0x7f0000003fff));
  EXPECT_FALSE(range.Contains(0x7f0000004000));
  EXPECT_TRUE(PageRange().Empty());
  EXPECT_FALSE(PageRange().Contains(0));
}

TEST(PageRangeTest, PrintsAsMapsDoes) {
  EXPECT_EQ(ToString(PageRange{0x7f0000000000, 0x7f0000001000}), "0x7f0000000000-0x7f0000001000");
  EXPECT_EQ(ToString(PageRange{0, ~uint64_t{0}}), "0x0-0xffffffffffffffff");
}

TEST(IntersectTest, GivesTheCommonPart) {
  const PageRange a = {0x3000, 0x7000};
  EXPECT_EQ(Intersect(a, {0x1000, 0x4000}), (PageRange{0x3000, 0x4000}));
  EXPECT_EQ(Intersect({0x1000, 0x4000}, a), (PageRange{0x3000, 0x4000}));
  EXPECT_EQ(Intersect(a, {0x4000, 0x5000}), (PageRange{0x4000, 0x5000}));
  EXPECT_EQ(Intersect(a, {0, kMaxAddress}), a);
  EXPECT_EQ(Intersect(a, a), a);
}

TEST(IntersectTest, IsEmptyAtTheLaterStartWithoutOne) {
  const PageRange a = {0x3000, 0x7000};
  EXPECT_EQ(Intersect(a, {0x7000, 0x8000}), (PageRange{0x7000, 0x7000}));
  EXPECT_EQ(Intersect(a, {0x1000, 0x3000}), (PageRange{0x3000, 0x3000}));
  EXPECT_EQ(Intersect({0x9000, 0xa000}, a), (PageRange{0x9000, 0x9000}));
}

TEST(ValidateRangeTest, AcceptsTheUserHalf) {
  EXPECT_TRUE(ValidateRange({0, 0x1000}).ok());
  EXPECT_TRUE(ValidateRange({0, kUserEnd}).ok());
  EXPECT_TRUE(ValidateRange({kUserEnd - 0x1000, kUserEnd}).ok());
}

TEST(ValidateRangeTest, AcceptsTheVsyscallPageByItsExactRangeOnly) {
  EXPECT_TRUE(ValidateRange({0xffffffffff600000, 0xffffffffff601000}).ok());
  EXPECT_FALSE(ValidateRange({0xffffffffff600000, 0xffffffffff602000}).ok());
  EXPECT_FALSE(ValidateRange({0xffffffffff5ff000, 0xffffffffff601000}).ok());
}

TEST(ValidateObjectRangeTest, ReachesAsFarAsAFile) {
  EXPECT_TRUE(ValidateObjectRange({0, uint64_t{1} << 63}).ok());
  EXPECT_THAT(ValidateObjectRange({0, (uint64_t{1} << 63) + 0x1000}).message(),
              HasSubstr("0x8000000000001000 reaches past the largest file"));
  EXPECT_THAT(ValidateObjectRange({0x1000, 0x1000}).message(), HasSubstr("empty"));
  EXPECT_THAT(ValidateObjectRange({0x2000, 0x1000}).message(), HasSubstr("reversed"));
  EXPECT_THAT(ValidateObjectRange({0x2000, 0x3001}).message(), HasSubstr("aligned"));
}

TEST(ValidateRangeTest, RefusesTheRestAndSaysWhy) {
  struct Case {
    PageRange range;
    const char* why;
  };
  const Case cases[] = {
      {{0, 0}, "empty"},
      {{0x1000, 0x1000}, "empty"},
      {{0x2000, 0x1000}, "reversed"},
      {{~uint64_t{0}, 0}, "reversed"},
      {{0x1001, 0x2000}, "aligned"},
      {{0x1000, 0x2fff}, "aligned"},
      {{0, ~uint64_t{0}}, "aligned"},
      {{0, kUserEnd + 0x1000}, "user address space"},
      {{kUserEnd, kUserEnd + 0x1000}, "user address space"},
      {{0xffff800000000000, 0xffff800000001000}, "user address space"},
      {{0, kMaxAddress}, "user address space"},
  };
  for (const Case& c : cases) {
    const absl::Status status = ValidateRange(c.range);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << ToString(c.range);
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.why));
    EXPECT_THAT(std::string(status.message()), HasSubstr(ToString(c.range)));
  }
}

TEST(NormalizeTest, SortsAndMerges) {
  EXPECT_THAT(Normalize({}), IsEmpty());
  EXPECT_THAT(Normalize({{0x5000, 0x6000}, {0x1000, 0x2000}}),
              ElementsAre(PageRange{0x1000, 0x2000}, PageRange{0x5000, 0x6000}));
  // Touching, overlapping, contained, equal.
  EXPECT_THAT(Normalize({{0x2000, 0x3000}, {0x1000, 0x2000}}),
              ElementsAre(PageRange{0x1000, 0x3000}));
  EXPECT_THAT(Normalize({{0x1000, 0x4000}, {0x3000, 0x6000}}),
              ElementsAre(PageRange{0x1000, 0x6000}));
  EXPECT_THAT(Normalize({{0x1000, 0x9000}, {0x3000, 0x4000}, {0x8000, 0xa000}}),
              ElementsAre(PageRange{0x1000, 0xa000}));
  EXPECT_THAT(Normalize({{0x1000, 0x2000}, {0x1000, 0x2000}}),
              ElementsAre(PageRange{0x1000, 0x2000}));
}

TEST(NormalizeTest, KeepsExactlyThePagesAsked) {
  std::mt19937_64 random(20211101);
  for (int round = 0; round < 500; ++round) {
    std::vector<PageRange> ranges;
    std::set<uint64_t> asked;
    for (int i = random() % 12; i > 0; --i) {
      const uint64_t start = random() % 64;
      const uint64_t end = start + 1 + random() % 8;
      ranges.push_back({start << kPageShift, end << kPageShift});
      for (uint64_t page = start; page < end; ++page) asked.insert(page);
    }
    std::set<uint64_t> kept;
    uint64_t previous_end = 0;
    bool first = true;
    for (const PageRange& range : Normalize(ranges)) {
      ASSERT_LT(range.start, range.end);
      if (!first) {
        ASSERT_GT(range.start, previous_end);  // A gap between any two.
      }
      first = false;
      previous_end = range.end;
      for (uint64_t page = range.start >> kPageShift; page < range.end >> kPageShift; ++page) {
        ASSERT_TRUE(kept.insert(page).second);
      }
    }
    ASSERT_EQ(kept, asked);
  }
}

}  // namespace
}  // namespace pagemapd
