#include "daemon/service/admission.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace pagemapd {
namespace {

constexpr uint64_t kMiB = 1 << 20;

Caller User(uid_t uid) {
  Caller caller;
  caller.uid = uid;
  return caller;
}

Limits SmallLimits() {
  Limits limits;
  limits.max_bytes_in_flight = 8 * kMiB;
  limits.max_calls_per_caller = 2;
  return limits;
}

TEST(AdmissionTest, RefusesOneTooManyAndTakesItOnceAPlaceIsFree) {
  Admission admission(SmallLimits(), [] {});
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 4; ++i) tickets.push_back(*admission.Enter(User(0), 2 * kMiB));
  EXPECT_EQ(admission.calls(), 4u);
  EXPECT_EQ(admission.bytes(), 8 * kMiB);
  const auto refused = admission.Enter(User(0), 1);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(refused.status().message().find("4 calls"), std::string::npos) << refused.status();
  tickets.pop_back();
  EXPECT_TRUE(admission.Enter(User(0), 2 * kMiB).ok());
}

TEST(AdmissionTest, LeavesRootAPlaceThatOthersCannotTake) {
  Admission admission(SmallLimits(), [] {});
  const auto first = admission.Enter(User(1), 3 * kMiB);
  const auto second = admission.Enter(User(2), 3 * kMiB);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_FALSE(admission.Enter(User(3), 1).ok());
  EXPECT_TRUE(admission.Enter(User(0), 2 * kMiB).ok());
}

TEST(AdmissionTest, OneCallerAtItsLimitKeepsNobodyElseOut) {
  Admission admission(SmallLimits(), [] {});
  const auto first = admission.Enter(User(1), 1);
  const auto second = admission.Enter(User(1), 1);
  ASSERT_TRUE(first.ok() && second.ok());
  const auto third = admission.Enter(User(1), 1);
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(third.status().message().find("uid 1 has 2 calls"), std::string::npos)
      << third.status();
  EXPECT_TRUE(admission.Enter(User(2), 1).ok());
  Caller remote;
  remote.certificate_names = {"a.example"};
  EXPECT_TRUE(admission.Enter(remote, 1).ok());
}

TEST(AdmissionTest, RootHasNoLimitOfCalls) {
  Admission admission(SmallLimits(), [] {});
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 100; ++i) tickets.push_back(*admission.Enter(User(0), 1));
  EXPECT_EQ(admission.calls(), 100u);
}

TEST(AdmissionTest, TakesACallThatIsLargerThanAllIfItIsAlone) {
  Admission admission(SmallLimits(), [] {});
  std::optional<absl::StatusOr<Admission::Ticket>> large = admission.Enter(User(1), 9 * kMiB);
  EXPECT_TRUE(large->ok());
  EXPECT_FALSE(admission.Enter(User(0), 1).ok());
  large.reset();
  EXPECT_TRUE(admission.Enter(User(0), 1).ok());
}

TEST(AdmissionTest, RefusesWhileTheProcessIsTooLarge) {
  Limits limits = SmallLimits();
  limits.max_resident_bytes = 4096;
  Admission small(limits, [] {});
  EXPECT_EQ(small.Enter(User(1), 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(small.Enter(User(0), 1).ok()) << "others have made it so";
  limits.max_resident_bytes = uint64_t{1} << 40;
  Admission large(limits, [] {});
  EXPECT_TRUE(large.Enter(User(1), 1).ok());
  EXPECT_GT(ResidentBytes(), 4096u);
}

TEST(AdmissionTest, AnAnswerThatIsNotReadIsNoCallButHoldsItsBytes) {
  int idle = 0;
  Admission admission(SmallLimits(), [&idle] { ++idle; });
  std::vector<Admission::Ticket> answers;
  for (int i = 0; i < 3; ++i) {
    answers.push_back(*admission.Enter(User(1), 2 * kMiB));
    answers.back().AnswerIsReady(2 * kMiB);
    answers.back().AnswerIsReady(0);
  }
  EXPECT_EQ(admission.calls(), 0u);
  EXPECT_EQ(admission.bytes(), 6 * kMiB);
  EXPECT_EQ(admission.Enter(User(1), 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(admission.Enter(User(0), 2 * kMiB).ok());
  EXPECT_EQ(idle, 0);
  answers.clear();
  EXPECT_EQ(idle, 1);
  EXPECT_EQ(admission.bytes(), 0u);
  EXPECT_TRUE(admission.Enter(User(1), 1).ok());
}

TEST(AdmissionTest, OneCallersAnswersKeepNobodyElseOut) {
  Limits limits = SmallLimits();
  limits.max_bytes_in_flight = 64 * kMiB;
  Admission admission(limits, [] {});
  std::vector<Admission::Ticket> answers;
  uint64_t held = 0;
  while (true) {
    absl::StatusOr<Admission::Ticket> next = admission.Enter(User(1), kMiB);
    if (!next.ok()) {
      EXPECT_NE(next.status().message().find("uid 1 has calls under way and answers"),
                std::string::npos)
          << next.status();
      break;
    }
    held += kMiB;
    answers.push_back(*std::move(next));
    answers.back().AnswerIsReady(kMiB);
    ASSERT_LE(held, 64 * kMiB);
  }
  EXPECT_EQ(held, MaxBytesOfCaller(limits));
  EXPECT_EQ(admission.bytes(), held);
  EXPECT_TRUE(admission.Enter(User(2), 2 * kMiB).ok());
  answers.pop_back();
  EXPECT_TRUE(admission.Enter(User(1), kMiB).ok());
}

TEST(AdmissionTest, AnAnswerHoldsWhatItIsLarge) {
  Admission admission(SmallLimits(), [] {});
  Admission::Ticket large = *admission.Enter(User(1), 2 * kMiB);
  large.AnswerIsReady(300'000);
  EXPECT_EQ(admission.bytes(), 300'000u);
  // The call itself takes something, too.
  Admission::Ticket empty = *admission.Enter(User(1), 2 * kMiB);
  empty.AnswerIsReady(0);
  EXPECT_EQ(admission.bytes(), 300'000u + kSmallAnswerBytes);
  // And no more than it was counted for.
  Admission::Ticket small = *admission.Enter(User(1), kSmallAnswerBytes);
  small.AnswerIsReady(5 * kMiB);
  EXPECT_EQ(admission.bytes(), 300'000u + 2 * kSmallAnswerBytes);
}

TEST(AdmissionTest, ClosedItTakesNoMoreAndWaitsForThoseThereAre) {
  Admission admission(SmallLimits(), [] {});
  std::optional<Admission::Ticket> ticket;
  ticket.emplace(*admission.Enter(User(0), 1));
  admission.Close();
  EXPECT_EQ(admission.Enter(User(0), 1).status().code(), absl::StatusCode::kUnavailable);
  admission.AwaitIdle(absl::Now() + absl::Milliseconds(1));
  EXPECT_EQ(admission.calls(), 1u);
  std::thread leaves([&ticket] { ticket.reset(); });
  admission.AwaitIdle(absl::InfiniteFuture());
  leaves.join();
  EXPECT_EQ(admission.calls(), 0u);
}

TEST(AdmissionTest, TellsWhenTheLastHasEnded) {
  int idle = 0;
  Admission admission(SmallLimits(), [&idle] { ++idle; });
  std::optional<Admission::Ticket> first;
  first.emplace(*admission.Enter(User(0), 1));
  std::optional<Admission::Ticket> second;
  second.emplace(*admission.Enter(User(1), 1));
  first.reset();
  EXPECT_EQ(idle, 0);
  second.reset();
  EXPECT_EQ(idle, 1);
  EXPECT_EQ(admission.bytes(), 0u);
}

}  // namespace
}  // namespace pagemapd
