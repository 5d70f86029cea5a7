#include "daemon/service/slow_readers.h"

#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "daemon/query/monotonic_time.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

class SlowReadersTest : public ::testing::Test {
 protected:
  std::shared_ptr<Reader> Add() {
    return readers_.Add([this] { ++cancelled_; });
  }
  static uint64_t Now() { return MonotonicNanoseconds(); }

  SlowReaders readers_;
  int cancelled_ = 0;
};

TEST_F(SlowReadersTest, OnlyThoseWithAWriteFromBefore) {
  const auto none = Add();
  const auto ended = Add();
  ended->WriteBegins();
  EXPECT_TRUE(ended->WriteEnds([] {}));
  const auto slow = Add();
  slow->WriteBegins();
  const uint64_t before = Now() + 1;
  while (Now() < before) {
  }
  const auto later = Add();
  later->WriteBegins();
  readers_.Cancel(before);
  EXPECT_EQ(cancelled_, 1);
  // As long as it does not read.
  readers_.Cancel(before);
  EXPECT_EQ(cancelled_, 2);
  EXPECT_TRUE(slow->WriteEnds([] {}));
  readers_.Cancel(before);
  EXPECT_EQ(cancelled_, 2);
}

TEST_F(SlowReadersTest, ACallThatIsBeingCancelledWaitsForThat) {
  std::shared_ptr<Reader> reader;
  int resumed = 0;
  reader = readers_.Add([&] {
    ++cancelled_;
    EXPECT_FALSE(reader->WriteEnds([&] { ++resumed; }));
    EXPECT_EQ(resumed, 0);
  });
  reader->WriteBegins();
  readers_.Cancel(Now() + 1'000'000'000);
  EXPECT_EQ(cancelled_, 1);
  EXPECT_EQ(resumed, 1);
}

TEST_F(SlowReadersTest, ACallDoesNotEndWhileItIsBeingCancelled) {
  absl::Notification cancelling, go_on;
  const auto reader = readers_.Add([&] {
    cancelling.Notify();
    go_on.WaitForNotification();
  });
  reader->WriteBegins();
  std::thread looking([&] { readers_.Cancel(Now() + 1'000'000'000); });
  cancelling.WaitForNotification();
  absl::Notification ended;
  std::thread ending([&] {
    reader->CallEnds();
    ended.Notify();
  });
  EXPECT_FALSE(ended.WaitForNotificationWithTimeout(absl::Milliseconds(50)));
  go_on.Notify();
  ending.join();
  looking.join();
  EXPECT_TRUE(ended.HasBeenNotified());
}

TEST_F(SlowReadersTest, ACallMayEndByBeingCancelled) {
  std::shared_ptr<Reader> reader;
  reader = readers_.Add([&] {
    ++cancelled_;
    reader->CallEnds();
  });
  reader->WriteBegins();
  readers_.Cancel(Now() + 1'000'000'000);
  EXPECT_EQ(cancelled_, 1);
  // It has ended: there is nothing to cancel.
  readers_.Cancel(Now() + 1'000'000'000);
  EXPECT_EQ(cancelled_, 1);
}

TEST_F(SlowReadersTest, WhoIsGoneIsForgotten) {
  for (int i = 0; i < 1000; ++i) Add()->WriteBegins();
  readers_.Cancel(Now() + 1'000'000'000);
  EXPECT_EQ(cancelled_, 0);
}

}  // namespace
}  // namespace pagemapd
