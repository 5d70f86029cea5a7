// Page-out of processes that exit, exec and remap meanwhile, requests that make no sense, swap
// areas that go away, clients that cancel, a pace to keep: no claim is false, and no page loses its
// data.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/integration/page_out_fixture.h"
#include "tests/testing/oracle.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kPages = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

class PageOutEdgesTest : public PageOutTest {
 protected:
  void SetUp() override {
    PageOutTest::SetUp();
    AddSwap();
  }
  void TearDown() override { target_.reset(); }

  void AddSwap() {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(512 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
  }

  // The error that the call as a whole ends with.
  grpc::Status Refusal(const v1::PageOutRequest& request) {
    const PageOutAnswer answer = PageOut(request);
    EXPECT_EQ(answer.messages, 0);
    return answer.status;
  }

  // That of the process.
  v1::TargetError ErrorOf(const v1::PageOutRequest& request) {
    const PageOutAnswer answer = PageOut(request);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_TRUE(answer.end.has_value());
    return answer.end.has_value() ? answer.end->error() : v1::TargetError();
  }

  // It was answered in full, or ended with one of these; counted by name.
  static void CheckEnd(const PageOutAnswer& answer, const std::set<v1::ErrorReason>& may_end_with,
                       std::map<std::string, int>* ends) {
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    ASSERT_TRUE(answer.end.has_value());
    const v1::ErrorReason reason = answer.end->error().reason();
    ++(*ends)[answer.end->has_error() ? v1::ErrorReason_Name(reason) : "answered"];
    if (!answer.end->has_error()) return;
    EXPECT_EQ(may_end_with.count(reason), 1u) << answer.Text();
  }

  uint32_t CallsUnderWay() {
    grpc::ClientContext context;
    v1::GetStatisticsResponse statistics;
    const grpc::Status status = stub_->GetStatistics(&context, {}, &statistics);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return statistics.calls_under_way();
  }

  std::optional<SwapDevice> device_;
};

TEST_F(PageOutEdgesTest, RequestsThatMakeNoSense) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 16);
  const auto refused = [&](uint64_t start, uint64_t end, const std::string& named) {
    v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 16}});
    v1::AddressRange& range = *request.add_ranges()->mutable_range();
    range.set_start(start);
    range.set_end(end);
    const grpc::Status status = Refusal(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(absl::StrContains(status.error_message(), named)) << status.error_message();
  };
  refused(0x7000, 0x7000, "range 1: range 0x7000-0x7000 is empty");
  refused(0x8000, 0x7000, "0x8000-0x7000 is reversed");
  refused(0x7001, 0x8000, "0x7001-0x8000 is not aligned");
  refused(0x7000, UINT64_MAX, "0x7000-0xffffffffffffffff");
  refused(uint64_t{1} << 57, (uint64_t{1} << 57) + kPageBytes, "0x200000000000000");
  // None of it was done.
  EXPECT_EQ(PageOut(region).PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), 16u);

  EXPECT_EQ(Refusal(PageOutOf(target_->pid(), {})).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  v1::PageOutRequest many = PageOutOf(target_->pid(), {});
  for (int i = 0; i < 16385; ++i) {
    v1::AddressRange& range = *many.add_ranges()->mutable_range();
    range.set_start((i + 1) * kPageBytes);
    range.set_end((i + 2) * kPageBytes);
  }
  EXPECT_EQ(Refusal(many).error_message(), "16385 ranges; the limit is 16384");
}

TEST_F(PageOutEdgesTest, ProcessesThatAreNotTheOne) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 16);
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 16}});
  request.mutable_process()->set_start_time_ticks(1);
  EXPECT_EQ(ErrorOf(request).reason(), v1::ERROR_REASON_PROCESS_REPLACED);
  request.mutable_process()->set_pid(2);
  request.mutable_process()->clear_start_time_ticks();
  EXPECT_EQ(ErrorOf(request).reason(), v1::ERROR_REASON_NO_ADDRESS_SPACE);
  request.mutable_process()->set_pid((4 << 20) + 7);
  EXPECT_EQ(ErrorOf(request).reason(), v1::ERROR_REASON_NO_SUCH_PROCESS);
  request.mutable_process()->set_pid(-1);
  EXPECT_EQ(ErrorOf(request).reason(), v1::ERROR_REASON_INVALID_TARGET);
  EXPECT_EQ(PageOut(region).PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), 16u);
}

TEST_F(PageOutEdgesTest, WithoutTheRightToAdvise) {
  Start({}, {"/usr/bin/setpriv", "--bounding-set=-sys_nice"});
  const MemoryRegion region = Written(MemoryKind::kMemfd, 16);
  const v1::TargetError error = ErrorOf(PageOutOf(target_->pid(), {{region.address, 16}}));
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_PERMISSION_DENIED);
  EXPECT_TRUE(absl::StrContains(error.message(), "process_madvise MADV_PAGEOUT"))
      << error.message();
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, 16}}), absl::OkStatus());
}

// Each round in a process of its own, which ends at some moment or other.
TEST_F(PageOutEdgesTest, ProcessesThatExit) {
  std::mt19937 lots(1);
  std::map<std::string, int> ends;
  for (int round = 0; round < 60; ++round) {
    target_.reset();
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    target_.emplace(*std::move(target));
    const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
    std::thread killer([pid = target_->pid(), delay = absl::Microseconds(lots() % 30000)] {
      absl::SleepFor(delay);
      kill(pid, SIGKILL);
    });
    const PageOutAnswer answer = PageOut(PageOutOf(target_->pid(), {{region.address, kPages}}));
    killer.join();
    CheckEnd(answer,
             {v1::ERROR_REASON_PROCESS_EXITED, v1::ERROR_REASON_NO_SUCH_PROCESS,
              v1::ERROR_REASON_NO_ADDRESS_SPACE},
             &ends);
    if (HasFatalFailure()) return;
  }
  for (const auto& [end, count] : ends) printf("%s %d\n", end.c_str(), count);
  EXPECT_GT(ends.count("ERROR_REASON_PROCESS_EXITED"), 0u);
}

TEST_F(PageOutEdgesTest, ProcessesThatExec) {
  std::mt19937 lots(2);
  std::map<std::string, int> ends;
  for (int round = 0; round < 60; ++round) {
    const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
    PageOutAnswer answer;
    std::thread client([&] {
      answer = PageOut(PageOutOf(target_->pid(), {{region.address, kPages}}));
    });
    absl::SleepFor(absl::Microseconds(lots() % 12000));
    const absl::Status execed = target_->Exec();
    client.join();
    ASSERT_TRUE(execed.ok()) << execed;
    CheckEnd(answer, {v1::ERROR_REASON_PROCESS_EXECED}, &ends);
    if (HasFatalFailure()) return;
  }
  for (const auto& [end, count] : ends) printf("%s %d\n", end.c_str(), count);
  EXPECT_GT(ends.count("ERROR_REASON_PROCESS_EXECED"), 0u);
}

// Other memory comes to where the asked pages were: of its pages nothing is claimed.
TEST_F(PageOutEdgesTest, MappingsThatAreReplaced) {
  int changed = 0;
  std::mt19937 lots(3);
  for (int round = 0; round < 60; ++round) {
    const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
    PageOutAnswer answer;
    std::thread client([&] {
      answer = PageOut(PageOutOf(target_->pid(), {{region.address, kPages}}));
    });
    absl::SleepFor(absl::Microseconds(lots() % 12000));
    const auto mapped = target_->Syscall(
        SYS_mmap, {region.address, kPages * kPageBytes, kReadWrite,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, static_cast<uint64_t>(-1), 0});
    ASSERT_TRUE(mapped.ok()) << mapped.status();
    client.join();
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    ASSERT_TRUE(answer.end.has_value());
    ASSERT_FALSE(answer.end->has_error()) << answer.Text();
    const uint64_t gone = answer.PagesOf(v1::PAGE_OUT_OUTCOME_MAPPING_CHANGED);
    changed += gone > 0;
    // It happened before the end, so the end tells.
    EXPECT_TRUE(gone == 0 || answer.end->mappings_changed());
    ASSERT_TRUE(target_->Syscall(SYS_munmap, {region.address, kPages * kPageBytes}).ok());
  }
  printf("%d of 60 changed in the middle\n", changed);
}

// What comes to the place of memory that is being paged out, minutes after maps was read, stays.
TEST_F(PageOutEdgesTest, AMappingThatIsReplacedDuringALongPageOut) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
  // All of the object is in swap, so that its pages look as if they had gone there.
  EXPECT_GE(PageOut(region).counts.achieved(), kPages - kPages / 100);
  ASSERT_TRUE(target_->Read(region.address, {{0, 64}}).ok());
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, kPages}});
  request.set_max_pages_per_second(100);
  bool replaced = false;
  const PageOutAnswer answer = RunPageOut(*stub_, request, [&](const PageOutAnswer& so_far) {
    if (replaced || so_far.counts.attempted() == 0) return true;
    replaced = true;
    EXPECT_TRUE(target_
                    ->Syscall(SYS_mmap, {region.address, kPages * kPageBytes, kReadWrite,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                                         static_cast<uint64_t>(-1), 0})
                    .ok());
    EXPECT_TRUE(target_->Write(region.address, {{0, kPages}}).ok());
    return true;
  });
  ASSERT_TRUE(replaced);
  CheckWhole(request, answer);
  EXPECT_TRUE(answer.end->mappings_changed());
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_MAPPING_CHANGED), kPages - 64) << answer.Text();
  EXPECT_LE(answer.counts.attempted(), 64u) << answer.Text();
  const auto entries = ReadPagemap(target_->pid(), region.address, kPages);
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_GE(std::count_if(entries->begin(), entries->end(), [](uint64_t e) { return e >> 63; }),
            static_cast<int64_t>(kPages - kPages / 100));
}

TEST_F(PageOutEdgesTest, SwapoffWhileItRuns) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 4 * kPages);
  std::mt19937 lots(4);
  std::map<v1::PageOutOutcome, uint64_t> outcomes;
  for (int round = 0; round < 10; ++round) {
    if (round > 0) AddSwap();
    const absl::Status written = target_->Write(region.address, {{0, 4 * kPages}});
    ASSERT_TRUE(written.ok()) << written;
    v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 4 * kPages}});
    // At some moment, or, whatever this machine's speed, between two of many steps.
    const bool between_steps = round % 2 == 1;
    if (between_steps) request.set_max_pages_per_second(20000);
    PageOutAnswer answer;
    absl::Notification stepped;
    std::thread client([&] {
      answer = RunPageOut(*stub_, request, [&](const PageOutAnswer& so_far) {
        if (so_far.counts.achieved() > 0 && !stepped.HasBeenNotified()) stepped.Notify();
        return true;
      });
      if (!stepped.HasBeenNotified()) stepped.Notify();
    });
    if (between_steps) stepped.WaitForNotification();
    absl::SleepFor(absl::Microseconds(lots() % 50000));
    // Swaps in again what has come there, and is swapped to until its end.
    device_.reset();
    client.join();
    CheckWhole(request, answer);
    for (const auto& pages : answer.counts.outcomes()) outcomes[pages.outcome()] += pages.pages();
  }
  for (const auto& [outcome, pages] : outcomes) {
    printf("%s %lu\n", v1::PageOutOutcome_Name(outcome).c_str(), pages);
  }
  EXPECT_GT(outcomes[v1::PAGE_OUT_OUTCOME_PAGED_OUT], 0u);
  EXPECT_GT(outcomes[v1::PAGE_OUT_OUTCOME_NO_SWAP_SPACE], 0u);
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, 4 * kPages}}), absl::OkStatus());
}

TEST_F(PageOutEdgesTest, ClientsThatCancel) {
  constexpr uint64_t kMany = 16 * kPages;
  const MemoryRegion region = Written(MemoryKind::kMemfd, kMany);
  // Slow enough to be in the middle of it.
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, kMany}});
  request.set_max_pages_per_second(20000);
  const PageOutAnswer answer = RunPageOut(
      *stub_, request, [](const PageOutAnswer& so_far) { return so_far.counts.attempted() == 0; });
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_FALSE(answer.end.has_value());
  // It stops there, and its place is free again.
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  while (CallsUnderWay() != 0 && absl::Now() < limit) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(CallsUnderWay(), 0u);
  const auto swapped = [&] {
    const auto truth = TruthOf(target_->pid(), region, /*object_view=*/false);
    EXPECT_TRUE(truth.ok()) << truth.status();
    uint64_t pages = 0;
    for (const TruePage& page : *truth) pages += page.state == TrueState::kSwapped;
    return pages;
  };
  const uint64_t before = swapped();
  EXPECT_GT(before, 0u);
  EXPECT_LT(before, kMany / 2);
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_LE(swapped(), before + kMany / 100);
  EXPECT_EQ(PageOut(region).counts.asked(), kMany);
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, kMany}}), absl::OkStatus());
}

TEST_F(PageOutEdgesTest, KeepsThePace) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, kPages}});
  // By the daemon's clock: never faster than asked for, however slow the machine is.
  request.set_max_pages_per_second(8192);
  const PageOutAnswer answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_GE(answer.counts.achieved(), kPages - kPages / 100) << answer.Text();
  const double seconds = (answer.end->end_ns() - answer.end->begin_ns()) * 1e-9;
  // Each step but the last is followed by its share of time, a tenth of a second.
  EXPECT_GE(seconds, static_cast<double>(answer.counts.attempted()) / 8192 - 0.1);
  EXPECT_GT(answer.messages, 3);
}

TEST_F(PageOutEdgesTest, CallsThatWaitedGiveTheirPlaceBack) {
  // Room for one call.
  Start({"--max-bytes-in-flight", "2097152"});
  for (int round = 0; round < 4; ++round) {
    const MemoryRegion region = Written(MemoryKind::kMemfd, 64);
    v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 64}});
    const bool cancel = round % 2 == 1;
    // In a second there is time to cancel it, in a tenth there may not be.
    request.set_max_pages_per_second(cancel ? 64 : 640);
    PageOutAnswer answer;
    // The one before may be on its way out.
    for (int tries = 0; tries < 1500; ++tries) {
      answer = RunPageOut(*stub_, request, [&](const PageOutAnswer&) { return !cancel; });
      if (answer.status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) break;
      absl::SleepFor(absl::Milliseconds(20));
    }
    if (cancel) {
      EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::CANCELLED) << round;
    } else {
      CheckWhole(request, answer);
      EXPECT_GT(answer.messages, 1);
    }
  }
}

TEST_F(PageOutEdgesTest, OnlyIdleIsRefusedWhereTheKernelDoesNotTrack) {
  grpc::ClientContext context;
  v1::GetCapabilitiesResponse capabilities;
  ASSERT_TRUE(stub_->GetCapabilities(&context, {}, &capabilities).ok());
  EXPECT_TRUE(capabilities.kernel_features().page_out());
  const MemoryRegion region = Written(MemoryKind::kMemfd, 16);
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 16}});
  request.set_only_idle(true);
  const PageOutAnswer answer = PageOut(request);
  if (capabilities.kernel_features().idle_pages()) {
    CheckWhole(request, answer);
    EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_IN_USE), 16u) << answer.Text();
  } else {
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_TRUE(absl::StrContains(answer.status.error_message(), "CONFIG_IDLE_PAGE_TRACKING"))
        << answer.status.error_message();
  }
}

}  // namespace
}  // namespace pagemapd
