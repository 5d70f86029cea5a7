// Processes that exit, exec, unmap and remap during a scan: hundreds of rounds.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"
#include "tests/integration/page_report.h"
#include "tests/testing/memory_region.h"

namespace pagemapd {
namespace {

// Asks about one process again and again while `change` is done to it, each time in a round of its
// own, and checks what comes back.
class ChangingTest : public EdgesTest {
 protected:
  // `may_end_with`: the errors there may be.
  void CheckAnswer(const PagesAnswer& answer, uint64_t start_time,
                   const std::set<v1::ErrorReason>& may_end_with) {
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    ASSERT_EQ(answer.ends.size(), 1u);
    const v1::TargetError& error = answer.ends[0].error();
    if (answer.ends[0].has_error()) {
      EXPECT_EQ(may_end_with.count(error.reason()), 1u)
          << v1::ErrorReason_Name(error.reason()) << ": " << error.message();
    }
    ++errors_[error.reason()];
    changed_ += answer.ends[0].mappings_changed();
    for (const v1::TargetStart& start : answer.starts) {
      EXPECT_EQ(start.process().start_time_ticks(), start_time);
    }
  }

  void PrintOutcomes(const char* what) {
    printf("%s:", what);
    for (const auto& [reason, count] : errors_) {
      printf(" %s %d", reason == 0 ? "answered" : v1::ErrorReason_Name(reason).c_str(), count);
    }
    printf("\n");
  }

  uint64_t StartTime(pid_t pid) {
    std::string stat = *ReadText(absl::StrCat("/proc/", pid, "/stat"));
    std::vector<std::string> fields = absl::StrSplit(stat.substr(stat.rfind(')') + 2), ' ');
    return std::stoull(fields[19]);
  }

  // One of each kind in turn.
  v1::QueryPagesRequest SomeQuery(pid_t pid, int round) {
    v1::QueryPagesRequest request =
        QueryOf(pid, {}, round % 3 == 2 ? v1::VIEW_OBJECT : v1::VIEW_PROCESS,
                round % 2 == 0 ? v1::FORMAT_EXTENTS : v1::FORMAT_PACKED);
    if (round % 5 != 0) request.add_fields(v1::PAGE_FIELD_LOCATION);
    if (round % 7 == 0) request.add_fields(v1::PAGE_FIELD_FRAME_FLAGS);
    return request;
  }

  // Answers by error, _UNSPECIFIED without one, and those that said mappings_changed.
  std::map<v1::ErrorReason, int> errors_;
  int changed_ = 0;
};

TEST_F(ChangingTest, ProcessesThatExit) {
  std::mt19937 lots(1);
  for (int round = 0; round < 200; ++round) {
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kPrivateAnon}) {
      absl::StatusOr<MemoryRegion> region = MapRegion(*target, kind, 4096);
      ASSERT_TRUE(region.ok()) << region.status();
      ASSERT_TRUE(target->Write(region->address, {{0, 512}, {2048, 512}}).ok());
    }
    uint64_t start_time = StartTime(target->pid());
    pid_t pid = target->pid();
    std::thread killer([pid, delay = absl::Microseconds(lots() % 3000)] {
      absl::SleepFor(delay);
      kill(pid, SIGKILL);
    });
    CheckAnswer(QueryAll(*stub_, SomeQuery(pid, round)), start_time,
                {v1::ERROR_REASON_PROCESS_EXITED, v1::ERROR_REASON_NO_SUCH_PROCESS,
                 v1::ERROR_REASON_NO_ADDRESS_SPACE});
    killer.join();
    if (HasFatalFailure()) return;
  }
  PrintOutcomes("exits");
}

TEST_F(ChangingTest, ProcessesThatExec) {
  std::mt19937 lots(2);
  uint64_t start_time = StartTime(target_->pid());
  int only_new = 0;
  for (int round = 0; round < 300; ++round) {
    for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kPrivateAnon}) {
      absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, 4096);
      ASSERT_TRUE(region.ok()) << region.status();
      ASSERT_TRUE(target_->Write(region->address, {{0, 512}, {2048, 512}}).ok());
    }
    std::vector<MappedRange> old_maps = ReadMaps(target_->pid());
    PagesAnswer answer;
    std::thread client([&] { answer = QueryAll(*stub_, SomeQuery(target_->pid(), round)); });
    absl::SleepFor(absl::Microseconds(lots() % 3000));
    absl::Status execed = target_->Exec();
    client.join();
    ASSERT_TRUE(execed.ok()) << execed;
    // It is alive all the while.
    CheckAnswer(answer, start_time, {v1::ERROR_REASON_PROCESS_EXECED});
    // All of it is of the address space before, or none: what the new program maps while it starts
    // is in no listing. [vsyscall] is in both.
    int of_old = 0, of_new = 0;
    for (const v1::PageChunk& chunk : answer.chunks) {
      if (chunk.start() >> 63) continue;
      uint64_t end = chunk.start() + chunk.pages() * kPageBytes;
      ++(Covers(old_maps, chunk.start(), end) ? of_old : of_new);
    }
    EXPECT_TRUE(of_old == 0 || of_new == 0)
        << "round " << round << ": " << of_old << " pieces of one program, " << of_new
        << " of the other";
    only_new += of_new > 0;
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
  PrintOutcomes("execs");
  // Now and then the scan was late enough to see the new program.
  printf("new program seen %d times\n", only_new);
}

TEST_F(ChangingTest, MappingsThatComeAndGo) {
  uint64_t start_time = StartTime(target_->pid());
  constexpr uint64_t kKept = 8192;
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, kKept);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(target_->Write(region->address, {{0, kKept / 2}}).ok());
  ASSERT_TRUE(target_->StartChurn().ok());
  for (int round = 0; round < 500; ++round) {
    PagesAnswer answer = QueryAll(*stub_, SomeQuery(target_->pid(), round));
    CheckAnswer(answer, start_time, {});
    if (HasFatalFailure()) return;
    // What does not change is told in full all the while.
    uint64_t kept = 0, last = 0;
    for (const v1::PageChunk& chunk : answer.chunks) {
      EXPECT_GE(chunk.start(), last) << "out of order, or told twice";
      last = chunk.start() + chunk.pages() * kPageBytes;
      bool inside =
          chunk.start() >= region->address && chunk.start() < region->address + kKept * kPageBytes;
      if (inside) kept += chunk.pages();
    }
    EXPECT_EQ(kept, kKept);
  }
  absl::StatusOr<int64_t> rounds = target_->StopChurn();
  ASSERT_TRUE(rounds.ok()) << rounds.status();
  printf("mappings changed in %d of 500 scans, during %ld rounds of the target\n", changed_,
         *rounds);
  EXPECT_GT(changed_, 0);
}

// The mapping under a scan moves elsewhere and back. That is no error, and where a scan's end finds
// it elsewhere than its beginning did, the answer says so.
TEST_F(ChangingTest, MappingsThatMove) {
  constexpr uint64_t kMoved = 32768;
  uint64_t start_time = StartTime(target_->pid());
  absl::StatusOr<uint64_t> at =
      target_->Map(kMoved * kPageBytes, kReadWrite, MAP_SHARED | MAP_ANONYMOUS);
  ASSERT_TRUE(at.ok()) << at.status();
  std::vector<PageRun> some;
  for (uint64_t i = 0; i < kMoved; i += 7) some.push_back({i, 1});
  ASSERT_TRUE(target_->Write(*at, some).ok());
  std::atomic<bool> done = false;
  std::atomic<int> moves = 0;
  std::thread mover([&] {
    while (!done) {
      auto moved =
          target_->Syscall(SYS_mremap, {*at, kMoved * kPageBytes, kMoved * kPageBytes,
                                        MREMAP_MAYMOVE | MREMAP_FIXED, *at - (uint64_t{1} << 38)});
      if (!moved.ok()) break;
      auto back =
          target_->Syscall(SYS_mremap, {static_cast<uint64_t>(*moved), kMoved * kPageBytes,
                                        kMoved * kPageBytes, MREMAP_MAYMOVE | MREMAP_FIXED, *at});
      if (!back.ok()) break;
      ++moves;
    }
  });
  for (int round = 0; round < 300 && !HasFatalFailure(); ++round) {
    PagesAnswer answer = QueryAll(*stub_, SomeQuery(target_->pid(), round));
    CheckAnswer(answer, start_time, {});
  }
  done = true;
  mover.join();
  PrintOutcomes("moves");
  EXPECT_GT(moves, 300);
  EXPECT_GT(changed_, 0);
}

}  // namespace
}  // namespace pagemapd
