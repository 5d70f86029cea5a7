#include "daemon/reclaim/page_out_pace.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(PageOutPaceTest, WithoutALimitThereIsNone) {
  const PageOutPace pace(0);
  EXPECT_EQ(pace.StepPages(16384), 16384u);
  EXPECT_EQ(pace.Add(5 * kSecond, 16384), 5 * kSecond);
}

TEST(PageOutPaceTest, GivesEachPageItsTime) {
  const PageOutPace pace(1000);
  EXPECT_EQ(pace.StepPages(16384), 100u);
  EXPECT_EQ(pace.Add(5 * kSecond, 100), 5 * kSecond + kSecond / 10);
  // What was not attempted takes none.
  EXPECT_EQ(pace.Add(5 * kSecond, 0), 5 * kSecond);
}

TEST(PageOutPaceTest, KnowsItsBounds) {
  EXPECT_EQ(PageOutPace(1).StepPages(16384), 1u);
  EXPECT_EQ(PageOutPace(1).Add(0, 1), kSecond);
  EXPECT_EQ(PageOutPace(UINT64_MAX).StepPages(16384), 16384u);
  EXPECT_EQ(PageOutPace(UINT64_MAX).Add(kSecond, 16384), kSecond);
}

}  // namespace
}  // namespace pagemapd
