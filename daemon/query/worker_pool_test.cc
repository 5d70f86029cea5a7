#include "daemon/query/worker_pool.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/shmem/page_cache_probe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::UnorderedElementsAre;

constexpr absl::Duration kLong = absl::Seconds(60);

class WorkerPoolTest : public ::testing::Test {
 protected:
  void Start(int size, int spares) {
    const ObjectResolver resolver(
        PageCacheProbe(PageCacheProbe::Method::kMincore, ProcRoot("/nowhere")));
    pool_.emplace(std::vector<ObjectResolver>(size + spares, resolver), size,
                  [this](const std::string& owner) {
                    absl::MutexLock lock(&mutex_);
                    owners_.push_back(owner);
                  });
  }

  TaskLane Lane(const std::string& owner, const std::string& account = "") {
    return TaskLane(*pool_, account, owner);
  }

  // A task that holds up its worker until go_.
  void Block(const TaskLane& lane, absl::Notification* begun) {
    lane.Submit([this, begun](ChunkScanner&) {
      begun->Notify();
      go_.WaitForNotification();
    });
  }

  // Has others wait for a worker until so many are found to be held up, and told of.
  void AwaitHeldUp(size_t workers) {
    const TaskLane others = Lane("others");
    while (owners().size() < workers) {
      absl::Notification done;
      others.Submit([&done](ChunkScanner&) { done.Notify(); });
      done.WaitForNotification();
    }
  }

  // Who was told of, once there are so many: spares are at work before anyone is.
  std::vector<std::string> AwaitOwners(size_t workers) {
    const absl::Time limit = absl::Now() + kLong;
    while (owners().size() < workers && absl::Now() < limit) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    return owners();
  }

  std::vector<std::string> owners() {
    absl::MutexLock lock(&mutex_);
    return owners_;
  }

  absl::Mutex mutex_;
  std::vector<std::string> owners_ ABSL_GUARDED_BY(mutex_);
  absl::Notification go_;
  // Gone before what its tasks wait for.
  std::optional<WorkerPool> pool_;
};

TEST_F(WorkerPoolTest, RunsEveryTask) {
  Start(3, 2);
  absl::BlockingCounter left(1000);
  for (int lane = 0; lane < 10; ++lane) {
    const TaskLane own = Lane("some");
    for (int i = 0; i < 100; ++i) own.Submit([&](ChunkScanner&) { left.DecrementCount(); });
  }
  left.Wait();
  EXPECT_TRUE(owners().empty());
}

TEST_F(WorkerPoolTest, SparesTakeThePlaceOfWorkersThatAreHeldUp) {
  Start(2, 2);
  absl::Notification begun[2];
  Block(Lane("first"), &begun[0]);
  Block(Lane("second"), &begun[1]);
  for (absl::Notification& each : begun) each.WaitForNotification();
  AwaitHeldUp(2);
  EXPECT_EQ(pool_->held_up(), 2);
  EXPECT_THAT(owners(), UnorderedElementsAre("first", "second"));
  go_.Notify();
}

TEST_F(WorkerPoolTest, ALaneThatHoldsUpAWorkerGetsNoOther) {
  Start(1, 4);
  absl::Notification begun, other, same;
  const TaskLane lane = Lane("lane");
  Block(lane, &begun);
  begun.WaitForNotification();
  // One task waits already, one comes when the worker is known to be held up.
  std::atomic<int> held_back{0};
  lane.Submit([&](ChunkScanner&) { ++held_back; });
  Lane("other").Submit([&](ChunkScanner&) { other.Notify(); });
  ASSERT_TRUE(other.WaitForNotificationWithTimeout(kLong));
  lane.Submit([&](ChunkScanner&) {
    ++held_back;
    same.Notify();
  });
  absl::Notification another;
  Lane("another").Submit([&](ChunkScanner&) { another.Notify(); });
  ASSERT_TRUE(another.WaitForNotificationWithTimeout(kLong));
  EXPECT_EQ(held_back, 0);
  EXPECT_EQ(pool_->WaitingNanoseconds(), 0u);
  go_.Notify();
  EXPECT_TRUE(same.WaitForNotificationWithTimeout(kLong));
  EXPECT_EQ(held_back, 2);
  EXPECT_EQ(pool_->held_up(), 0);
}

TEST_F(WorkerPoolTest, AnAccountThatHoldsUpWorkersGetsOneAtATime) {
  Start(2, 8);
  absl::Notification begun[4];
  for (int i = 0; i < 2; ++i) Block(Lane("lane", "account"), &begun[i]);
  for (int i = 0; i < 2; ++i) begun[i].WaitForNotification();
  // One waits when that is found out, one comes later.
  Block(Lane("lane", "account"), &begun[2]);
  AwaitHeldUp(2);
  begun[2].WaitForNotification();
  Block(Lane("lane", "account"), &begun[3]);
  // Others have the second worker for themselves, until the third is found to be held up too.
  const TaskLane other = Lane("other", "other account");
  for (int i = 0; i < 10; ++i) {
    absl::Notification done;
    other.Submit([&done](ChunkScanner&) { done.Notify(); });
    done.WaitForNotification();
  }
  const bool fourth_begun = begun[3].HasBeenNotified();
  EXPECT_TRUE(!fourth_begun || pool_->held_up() >= 3);
  EXPECT_TRUE(begun[3].WaitForNotificationWithTimeout(kLong));
  EXPECT_EQ(pool_->held_up(), 3);
  go_.Notify();
}

// Nobody but the account itself waits.
TEST_F(WorkerPoolTest, AnAccountGetsAWorkerWhenAnotherOfItsTasksIsFoundToBeHeldUp) {
  Start(2, 4);
  absl::Notification begun[2], done;
  Block(Lane("first", "account"), &begun[0]);
  begun[0].WaitForNotification();
  // So that they are not found at once.
  absl::SleepFor(absl::Nanoseconds(WorkerPool::kHeldUpNanoseconds) / 2);
  Block(Lane("second", "account"), &begun[1]);
  begun[1].WaitForNotification();
  Lane("third", "account").Submit([&](ChunkScanner&) { done.Notify(); });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(kLong));
  EXPECT_THAT(AwaitOwners(2), UnorderedElementsAre("first", "second"));
  go_.Notify();
}

TEST_F(WorkerPoolTest, NoMoreThanItsSizeAreAtWork) {
  Start(2, 4);
  absl::Notification begun[2];
  Block(Lane("first"), &begun[0]);
  Block(Lane("second"), &begun[1]);
  for (absl::Notification& each : begun) each.WaitForNotification();
  std::atomic<int> running{0}, most{0};
  absl::BlockingCounter left(200);
  const auto count = [&](ChunkScanner&) {
    const int now = ++running;
    int before = most;
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    absl::SleepFor(absl::Microseconds(200));
    --running;
    left.DecrementCount();
  };
  const TaskLane other = Lane("other");
  for (int i = 0; i < 100; ++i) other.Submit(count);
  AwaitHeldUp(2);
  // All are back, and there are two threads more than there need be.
  go_.Notify();
  while (pool_->held_up() > 0) absl::SleepFor(absl::Milliseconds(10));
  for (int i = 0; i < 100; ++i) other.Submit(count);
  left.Wait();
  EXPECT_LE(most, 2);
}

TEST_F(WorkerPoolTest, FindsOutWhatElseIsHeldUpWhenThereIsNoSpareLeft) {
  Start(2, 1);
  absl::Notification begun[3];
  for (int i = 0; i < 2; ++i) Block(Lane("lane"), &begun[i]);
  for (int i = 0; i < 2; ++i) begun[i].WaitForNotification();
  AwaitHeldUp(2);
  Block(Lane("last"), &begun[2]);
  begun[2].WaitForNotification();
  absl::Notification done;
  Lane("other").Submit([&](ChunkScanner&) { done.Notify(); });
  EXPECT_THAT(AwaitOwners(3), UnorderedElementsAre("lane", "lane", "last"));
  EXPECT_FALSE(done.HasBeenNotified());
  go_.Notify();
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(kLong));
}

TEST_F(WorkerPoolTest, TellsForHowLongATaskHasBeenWaiting) {
  Start(1, 0);
  EXPECT_EQ(pool_->WaitingNanoseconds(), 0u);
  absl::Notification begun, done;
  Block(Lane("lane"), &begun);
  begun.WaitForNotification();
  EXPECT_EQ(pool_->WaitingNanoseconds(), 0u);
  Lane("other").Submit([&](ChunkScanner&) { done.Notify(); });
  // Longer than a worker takes to be found held up: there is no spare.
  while (pool_->WaitingNanoseconds() < 2 * WorkerPool::kHeldUpNanoseconds) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_FALSE(done.HasBeenNotified());
  EXPECT_EQ(AwaitOwners(1), std::vector<std::string>{"lane"});
  go_.Notify();
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(kLong));
}

TEST_F(WorkerPoolTest, ALaneKeepsItsPlaceUntilItsTasksAreOver) {
  Start(1, 0);
  absl::Notification begun, done;
  auto place = std::make_shared<int>(0);
  const std::weak_ptr<int> kept = place;
  Block(TaskLane(*pool_, "", "lane", std::move(place)), &begun);
  begun.WaitForNotification();
  EXPECT_FALSE(kept.expired());
  go_.Notify();
  Lane("other").Submit([&](ChunkScanner&) { done.Notify(); });
  done.WaitForNotification();
  EXPECT_TRUE(kept.expired());
}

// Whether there is a thread of a pool that looks for workers that are held up.
bool OverseerLives() {
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::string name;
    if (std::getline(std::ifstream(task.path() / "comm"), name) && name == "overseer") return true;
  }
  return false;
}

TEST_F(WorkerPoolTest, DropsWhatIsNotBegunWhenItEnds) {
  Start(1, 0);
  absl::Notification begun;
  const TaskLane lane = Lane("lane");
  Block(lane, &begun);
  begun.WaitForNotification();
  std::atomic<bool> ran{false};
  const auto held = std::make_shared<int>(0);
  lane.Submit([&ran, held](ChunkScanner&) { ran = true; });
  Lane("other").Submit([&ran, held](ChunkScanner&) { ran = true; });
  EXPECT_EQ(AwaitOwners(1).size(), 1u);
  EXPECT_TRUE(OverseerLives());
  // It ends once the pool is stopping: from then on nothing may be begun.
  std::thread release([&] {
    while (OverseerLives()) absl::SleepFor(absl::Milliseconds(1));
    go_.Notify();
  });
  pool_.reset();
  release.join();
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace pagemapd
