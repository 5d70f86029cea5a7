#ifndef PAGEMAPD_TESTS_INTEGRATION_EDGES_FIXTURE_H_
#define PAGEMAPD_TESTS_INTEGRATION_EDGES_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/page_client.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"

namespace pagemapd {

inline constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// No process has it: beyond what pid_max can be.
inline constexpr int kAbsentPid = (4 << 20) + 7;

struct MappedRange {
  uint64_t start, end;
  std::string path;
};

inline std::vector<MappedRange> ReadMaps(pid_t pid) {
  std::vector<MappedRange> ranges;
  std::string maps = ReadText(absl::StrCat("/proc/", pid, "/maps")).value_or("");
  for (absl::string_view line : absl::StrSplit(maps, '\n', absl::SkipEmpty())) {
    MappedRange range = {};
    char path[512] = "";
    sscanf(std::string(line).c_str(), "%lx-%lx %*s %*s %*s %*s %511s", &range.start, &range.end,
           path);
    range.path = path;
    ranges.push_back(range);
  }
  return ranges;
}

inline bool Covers(const std::vector<MappedRange>& ranges, uint64_t start, uint64_t end) {
  for (const MappedRange& range : ranges) {
    if (range.start <= start && end <= range.end) return true;
  }
  return false;
}

// Ends each test by checking that the daemon is as it was at the beginning.
class EdgesTest : public ::testing::Test {
 protected:
  void SetUp() override { StartDaemon({}); }

  void StartDaemon(const std::vector<std::string>& flags) {
    daemon_.reset();
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(flags);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    target_.emplace(*std::move(target));
    // So that what the daemon makes once is made: its threads' buffers too.
    for (int round = 0; round < 5; ++round) {
      auto stub = NewStub(daemon_->address());
      v1::QueryPagesRequest request =
          QueryOf(target_->pid(), {}, v1::VIEW_PROCESS, v1::FORMAT_PACKED,
                  {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FRAME_FLAGS});
      for (int i = 0; i < 40; ++i) AddTarget(target_->pid(), {}, &request);
      ASSERT_TRUE(QueryAll(*stub, request).status.ok());
    }
    stub_ = NewStub(daemon_->address());
    v1::GetCapabilitiesResponse capabilities;
    grpc::ClientContext context;
    ASSERT_TRUE(stub_->GetCapabilities(&context, {}, &capabilities).ok());
    limits_ = capabilities.limits();
    // Those of the rounds have files open until they are closed.
    ASSERT_TRUE(AwaitConnections(1));
    files_before_ = daemon_->OpenFiles()->size();
    rss_before_ = *daemon_->RssBytes();
  }

  void TearDown() override {
    if (!daemon_.has_value() || stub_ == nullptr) return;
    // It still answers, and what it was asked for has left nothing.
    EXPECT_TRUE(
        QueryAll(*stub_, QueryOf(getpid(), {}, v1::VIEW_PROCESS, v1::FORMAT_EXTENTS)).status.ok());
    EXPECT_LE(SettledFiles(files_before_), files_before_);
    const uint64_t bound = DaemonProcess::RssBound(rss_before_ + kSlack);
    EXPECT_LT(SettledRss(bound), bound);
    EXPECT_FALSE(absl::StrContains(daemon_->Log(), " critical ")) << daemon_->Log();
  }

  // Whether the daemon has so many connections, at once or within half a minute.
  bool AwaitConnections(uint32_t wanted) {
    for (int i = 0; i < 600; ++i) {
      grpc::ClientContext context;
      v1::GetStatisticsResponse statistics;
      const grpc::Status status = stub_->GetStatistics(&context, {}, &statistics);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return false;
      if (statistics.connections() == wanted) return true;
      absl::SleepFor(absl::Milliseconds(50));
    }
    return false;
  }

  // How many files the daemon has open, once it is `expected` or less, or after half a minute.
  size_t SettledFiles(size_t expected) {
    size_t now = daemon_->OpenFiles()->size();
    for (int i = 0; i < 600 && now > expected; ++i) {
      absl::SleepFor(absl::Milliseconds(50));
      now = daemon_->OpenFiles()->size();
    }
    return now;
  }

  // Its memory, once it is below `bound`, or after half a minute: it gives back what it can a
  // second after its last call.
  uint64_t SettledRss(uint64_t bound) {
    uint64_t now = *daemon_->RssBytes();
    for (int i = 0; i < 600 && now >= bound; ++i) {
      absl::SleepFor(absl::Milliseconds(50));
      now = *daemon_->RssBytes();
    }
    return now;
  }

  // What an allocator may keep.
  static constexpr uint64_t kSlack = 24 << 20;

  CtlResult Ctl(const std::vector<std::string>& args) {
    absl::StatusOr<CtlResult> result = RunCtl(daemon_->address(), args);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(CtlResult());
  }

  // The error of the only target of a query; ok if it had none.
  v1::TargetError ErrorOf(const v1::QueryPagesRequest& request) {
    PagesAnswer answer = QueryAll(*stub_, request);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.ends.size(), 1u);
    return answer.ends.empty() ? v1::TargetError() : answer.ends[0].error();
  }

  v1::QueryPagesRequest Query(int pid, std::initializer_list<PageSpan> ranges = {}) {
    return QueryOf(pid, ranges, v1::VIEW_PROCESS, v1::FORMAT_EXTENTS);
  }

  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
  v1::GetCapabilitiesResponse::Limits limits_;
  size_t files_before_ = 0;
  uint64_t rss_before_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_INTEGRATION_EDGES_FIXTURE_H_
