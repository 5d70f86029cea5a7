// Ten thousand rounds each of a target that is killed, calls exec, unmaps memory or forks while it
// is asked about. Whatever happens, an answer is of one process's memory, or ends with an error
// that says what happened.

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"
#include "tests/service/faults/mayfly_brood.h"
#include "tests/service/faults/storm_client.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

using Question = StormClient::Question;

constexpr int kThreads = 4;
constexpr uint32_t kRounds = 10000;

// One client, with mayflies of its own.
struct Storm {
  Brood brood;
  StormClient client;
  uint32_t rounds = 0;
  std::array<uint32_t, kEndings> endings = {};
  uint32_t changed = 0;
  std::vector<std::string> wrong = {};

  void Blame(const Sight& sight, const std::string& what) {
    wrong.push_back(absl::StrCat("round ", rounds, ": ", what, "; ", Name(sight.ending), ", ",
                                 sight.detail, ", ", sight.serials.size(), " serials"));
  }
  // True of any answer: an ending that there may be, and no more than one memory.
  void Check(const Sight& sight, const std::set<Ending>& may) {
    ++endings[static_cast<size_t>(sight.ending)];
    changed += sight.mappings_changed;
    if (may.count(sight.ending) == 0) Blame(sight, "ended as it may not");
    if (sight.serials.size() > 1) Blame(sight, "two memories in one answer");
  }
  void CheckAllOf(const Sight& sight, const Mayfly& fly, Question question) {
    if (sight.ending == Ending::kAnswered && question != Question::kPageOut &&
        question != Question::kObjectView && sight.serials != std::set<uint32_t>{fly.serial}) {
      Blame(sight, absl::StrCat("not the memory of pid ", fly.pid));
    }
  }
  // All but what the mayfly unmaps is told, and right.
  void CheckMemory(const Sight& sight) {
    for (size_t i = 0; i < sight.memory.size(); ++i) {
      v1::PageState wanted = v1::PAGE_STATE_HOLE;
      if (i >= kFlyRestless && i < kFlySwapped) continue;
      if (i < kFlyWrittenPages) wanted = v1::PAGE_STATE_MAPPED;
      if (i >= kFlySwapped && i < kFlySwapped + kFlySwappedPages) wanted = v1::PAGE_STATE_SWAPPED;
      if (sight.memory[i] != wanted) {
        Blame(sight, absl::StrCat("page ", i, " is ", v1::PageState_Name(sight.memory[i])));
        return;
      }
    }
  }
};

class StormsTest : public EdgesTest {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    EdgesTest::SetUp();
  }

  // Runs `round` so many times, from several threads at once. In a thread, mayflies are born
  // whenever there are none left, one a round, or once where they last.
  void Run(const char* name, uint32_t rounds, Brood::Dead dead, bool they_last,
           const std::function<void(Storm&, Mayfly&)>& round) {
    const absl::Time begin = absl::Now();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        absl::StatusOr<Brood> brood = Brood::Start(dead);
        if (!brood.ok()) return Fail(brood.status());
        Storm storm = {*std::move(brood), StormClient(NewStub(daemon_->address()), thread)};
        std::vector<Mayfly> flies;
        for (; storm.rounds < rounds / kThreads && storm.wrong.size() < 10; ++storm.rounds) {
          const size_t next = storm.rounds % kBorn;
          if (flies.empty() || (next == 0 && !they_last)) {
            if (absl::Status reaped = storm.brood.Reap(); !reaped.ok()) return Fail(reaped);
            absl::StatusOr<std::vector<Mayfly>> born = storm.brood.Bear(kBorn);
            if (!born.ok()) return Fail(born.status());
            flies = *std::move(born);
          }
          round(storm, flies[next]);
        }
        Add(storm);
      });
    }
    for (std::thread& thread : threads) thread.join();
    printf("[ figure ] %s: %u rounds in %.1f s:", name, total_.rounds,
           absl::ToDoubleSeconds(absl::Now() - begin));
    for (size_t i = 0; i < kEndings; ++i) {
      if (total_.endings[i] > 0) {
        printf(" %s %u", Name(static_cast<Ending>(i)), total_.endings[i]);
      }
    }
    printf(", of changed mappings %u\n", total_.changed);
    EXPECT_EQ(total_.rounds, rounds);
  }

  void Fail(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    ADD_FAILURE() << status;
  }
  void Add(const Storm& storm) {
    absl::MutexLock lock(&mutex_);
    for (const std::string& wrong : storm.wrong) ADD_FAILURE() << wrong;
    total_.rounds += storm.rounds;
    total_.changed += storm.changed;
    for (size_t i = 0; i < kEndings; ++i) total_.endings[i] += storm.endings[i];
  }
  uint32_t EndedBy(Ending ending) const { return total_.endings[static_cast<size_t>(ending)]; }

  // Does `signal` to a mayfly in the middle of a question about it, once it is done with the one
  // before.
  static Sight AskAndPoke(Storm& storm, const Mayfly& fly, Question question, int signal) {
    const uint32_t before = storm.brood.Rounds(fly);
    const Sight sight = storm.client.Ask(question, fly, 0, [&] { storm.brood.Poke(fly, signal); });
    if (absl::Status done = storm.brood.AwaitRounds(fly, before + 1); !done.ok()) {
      storm.Blame(sight, done.ToString());
    }
    return sight;
  }

  static constexpr uint32_t kBorn = 50;
  static_assert(kBorn <= kFlySlots);

  struct Total {
    uint32_t rounds = 0, changed = 0;
    std::array<uint32_t, kEndings> endings = {};
  };

  std::optional<SwapDevice> device_;
  absl::Mutex mutex_;
  Total total_;
};

TEST_F(StormsTest, KilledTargets) {
  const auto round = [](Storm& storm, Mayfly& fly) {
    const Question question = StormClient::Nth(storm.rounds);
    const Sight sight = storm.client.Ask(question, fly, 0, [&] { kill(fly.pid, SIGKILL); });
    storm.Check(sight,
                {Ending::kAnswered, Ending::kGone, Ending::kReplacedOrZombie, Ending::kExited});
    storm.CheckAllOf(sight, fly, question);
  };
  Run("kill -9, zombies", kRounds / 2, Brood::Dead::kStay, false, round);
  for (Ending ending : {Ending::kAnswered, Ending::kReplacedOrZombie, Ending::kExited}) {
    EXPECT_GT(EndedBy(ending), 0u) << Name(ending);
  }
  total_ = {};
  Run("kill -9, reaped", kRounds / 2, Brood::Dead::kVanish, false, round);
  for (Ending ending : {Ending::kAnswered, Ending::kGone, Ending::kExited}) {
    EXPECT_GT(EndedBy(ending), 0u) << Name(ending);
  }
}

TEST_F(StormsTest, TargetsThatExec) {
  Run("exec", kRounds, Brood::Dead::kStay, true, [](Storm& storm, Mayfly& fly) {
    const Question question = StormClient::Nth(storm.rounds);
    const Sight sight = AskAndPoke(storm, fly, question, kFlyExec);
    storm.Check(sight, {Ending::kAnswered, Ending::kExeced});
    // Of the old program, or of the new, which may not have come to map its marker yet.
    for (uint32_t serial : sight.serials) {
      if (serial != fly.serial && serial != fly.serial + kFlyExecStep) {
        storm.Blame(sight, "a memory of nobody's");
      }
    }
    fly.serial += kFlyExecStep;
  });
  EXPECT_GT(EndedBy(Ending::kAnswered), 0u);
  EXPECT_GT(EndedBy(Ending::kExeced), 0u);
}

TEST_F(StormsTest, TargetsThatUnmap) {
  Run("munmap", kRounds, Brood::Dead::kStay, true, [](Storm& storm, Mayfly& fly) {
    const Question question = StormClient::Nth(storm.rounds, 1);
    const Sight sight = AskAndPoke(storm, fly, question, kFlyRemap);
    storm.Check(sight, {Ending::kAnswered});
    storm.CheckAllOf(sight, fly, question);
    storm.CheckMemory(sight);
  });
  EXPECT_GT(total_.changed, 0u);
}

TEST_F(StormsTest, TargetsThatFork) {
  Run("fork storm", kRounds, Brood::Dead::kStay, true, [](Storm& storm, Mayfly& fly) {
    const Question question = StormClient::Nth(storm.rounds, 1);
    // Every other time its last child, which is killed meanwhile, and has its memory.
    Mayfly asked = fly;
    const bool child = storm.rounds / kBorn % 2 == 1;
    if (child) asked.pid = storm.brood.ChildOf(fly);
    const uint32_t before = storm.brood.Rounds(fly);
    const Sight sight =
        storm.client.Ask(question, asked, 0, [&] { storm.brood.Poke(fly, kFlyFork); });
    if (absl::Status done = storm.brood.AwaitRounds(fly, before + 1); !done.ok()) {
      storm.Blame(sight, done.ToString());
    }
    storm.CheckAllOf(sight, asked, question);
    if (!child) {
      storm.Check(sight, {Ending::kAnswered});
      storm.CheckMemory(sight);
    } else {
      storm.Check(sight,
                  {Ending::kAnswered, Ending::kGone, Ending::kReplacedOrZombie, Ending::kExited});
    }
  });
  for (Ending ending : {Ending::kAnswered, Ending::kGone, Ending::kExited}) {
    EXPECT_GT(EndedBy(ending), 0u) << Name(ending);
  }
}

}  // namespace
}  // namespace pagemapd
