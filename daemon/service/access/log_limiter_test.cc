#include "daemon/service/access/log_limiter.h"

#include <gtest/gtest.h>

namespace pagemapd {
namespace {

TEST(LogLimiterTest, LeavesOutWhatIsTooMuchAndSaysHowMuch) {
  LogLimiter limiter;
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  for (int i = 0; i < LogLimiter::kLinesASecond; ++i) {
    EXPECT_EQ(limiter.MayLog("uid 1", now), uint64_t{0});
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.MayLog("uid 1", now), std::nullopt);
  // Others are not concerned.
  EXPECT_EQ(limiter.MayLog("uid 2", now), uint64_t{0});
  EXPECT_EQ(limiter.MayLog("uid 1", now + absl::Milliseconds(999)), std::nullopt);
  EXPECT_EQ(limiter.MayLog("uid 1", now + absl::Seconds(1)), uint64_t{6});
  EXPECT_EQ(limiter.MayLog("uid 1", now + absl::Seconds(1)), uint64_t{0});
}

TEST(LogLimiterTest, AClockThatIsSetBackStopsNothing) {
  LogLimiter limiter;
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  for (int i = 0; i <= LogLimiter::kLinesASecond; ++i) limiter.MayLog("uid 1", now);
  EXPECT_EQ(limiter.MayLog("uid 1", now - absl::Hours(1)), uint64_t{1});
}

}  // namespace
}  // namespace pagemapd
