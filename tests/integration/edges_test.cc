// Requests that make no sense, processes that go away or change meanwhile, clients that misbehave:
// each has its typed error and its exit code, and the daemon lives on as it was.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/integration/page_report.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/runfile.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// No process has it: beyond what pid_max can be.
constexpr int kAbsentPid = (4 << 20) + 7;

struct MappedRange {
  uint64_t start, end;
  std::string path;
};

std::vector<MappedRange> ReadMaps(pid_t pid) {
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

bool Covers(const std::vector<MappedRange>& ranges, uint64_t start, uint64_t end) {
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
    // The connections of the rounds are gone by then.
    absl::SleepFor(absl::Milliseconds(200));
    files_before_ = daemon_->OpenFiles()->size();
    rss_before_ = *daemon_->RssBytes();
  }

  void TearDown() override {
    if (!daemon_.has_value() || stub_ == nullptr) return;
    // It still answers, and what it was asked for has left nothing.
    EXPECT_TRUE(
        QueryAll(*stub_, QueryOf(getpid(), {}, v1::VIEW_PROCESS, v1::FORMAT_EXTENTS)).status.ok());
    EXPECT_LE(SettledFiles(files_before_), files_before_);
    EXPECT_LT(SettledRss(), rss_before_ + kSlack);
    EXPECT_FALSE(absl::StrContains(daemon_->Log(), " critical ")) << daemon_->Log();
  }

  // How many files the daemon has open, once it is `expected` or less, or after a while.
  size_t SettledFiles(size_t expected) {
    size_t now = daemon_->OpenFiles()->size();
    for (int i = 0; i < 100 && now > expected; ++i) {
      absl::SleepFor(absl::Milliseconds(50));
      now = daemon_->OpenFiles()->size();
    }
    return now;
  }

  // The same of its memory.
  uint64_t SettledRss() {
    uint64_t now = *daemon_->RssBytes();
    for (int i = 0; i < 60 && now > rss_before_ + (6 << 20); ++i) {
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

TEST_F(EdgesTest, RangesThatAreNone) {
  struct Case {
    const char* text;
    uint64_t start, end;
    const char* named;
  };
  for (const Case& c : {
           Case{"1000-1000", 0x1000, 0x1000, "0x1000"},
           Case{"2000-1000", 0x2000, 0x1000, "0x2000"},
           Case{"1001-3000", 0x1001, 0x3000, "0x1001"},
           Case{"1000-3fff", 0x1000, 0x3fff, "0x3fff"},
           Case{"1000-200000000000000", 0x1000, 0x200000000000000, "0x200000000000000"},
           Case{"ffff800000000000-ffff800000001000", 0xffff800000000000, 0xffff800000001000,
                "0xffff800000000000"},
           Case{"1000-ffffffffffffffff", 0x1000, 0xffffffffffffffff, "0xffffffffffffffff"},
           Case{"fffffffffffff000-1000", 0xfffffffffffff000, 0x1000, "0xfffffffffffff000"},
       }) {
    SCOPED_TRACE(c.text);
    v1::QueryPagesRequest request = Query(target_->pid());
    v1::AddressRange* range = request.mutable_targets(0)->add_ranges();
    range->set_start(c.start);
    range->set_end(c.end);
    v1::TargetError error = ErrorOf(request);
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_INVALID_TARGET);
    EXPECT_THAT(error.message(), HasSubstr(c.named));
    for (const char* view : {"process", "object"}) {
      CtlResult result =
          Ctl({"pages", absl::StrCat(target_->pid()), "--range", c.text, "--view", view});
      EXPECT_EQ(result.exit_code, 1) << result.err;
      EXPECT_THAT(result.err, HasSubstr(absl::string_view(c.named).substr(2)));
      EXPECT_EQ(result.out, "");
    }
  }
  for (const char* text : {"", "zzz", "1000", "1000-", "-1000", "1000-2000-3000",
                           "1000-10000000000000000", "1000-2000x", "0x-0x"}) {
    SCOPED_TRACE(text);
    CtlResult result = Ctl({"pages", absl::StrCat(target_->pid()), "--range", text});
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(EdgesTest, ProcessesThatAreNone) {
  for (int pid : {0, -1, INT32_MIN}) {
    v1::TargetError error = ErrorOf(Query(pid));
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_INVALID_TARGET) << pid;
    EXPECT_THAT(error.message(), HasSubstr(absl::StrCat(pid)));
    for (const char* command : {"pages", "mappings", "summary"}) {
      CtlResult result = Ctl({command, "--", absl::StrCat(pid)});
      EXPECT_THAT(result.exit_code, AnyOf(1, 2)) << result.err;
      EXPECT_NE(result.err, "");
    }
  }
  EXPECT_EQ(ErrorOf(Query(kAbsentPid)).reason(), v1::ERROR_REASON_NO_SUCH_PROCESS);
  absl::StatusOr<pid_t> zombie = target_->MakeZombie();
  ASSERT_TRUE(zombie.ok()) << zombie.status();
  EXPECT_EQ(ErrorOf(Query(*zombie)).reason(), v1::ERROR_REASON_NO_ADDRESS_SPACE);
  std::vector<int> without_pages = {kAbsentPid, *zombie};
  // kthreadd, where this pid namespace shows it.
  if (absl::StrContains(ReadText("/proc/2/stat").value_or(""), "(kthreadd)")) {
    EXPECT_EQ(ErrorOf(Query(2)).reason(), v1::ERROR_REASON_NO_ADDRESS_SPACE);
    without_pages.push_back(2);
  }
  for (int pid : without_pages) {
    for (const char* command : {"pages", "mappings", "summary", "map"}) {
      CtlResult result = Ctl({command, absl::StrCat(pid)});
      EXPECT_EQ(result.exit_code, 1) << command << " " << pid << ": " << result.err;
      EXPECT_THAT(result.err, HasSubstr(absl::StrCat(pid))) << command;
    }
  }
  for (const char* text : {"", "1x", "99999999999999999999", "self"}) {
    EXPECT_EQ(Ctl({"pages", text}).exit_code, 2) << text;
  }
}

TEST_F(EdgesTest, AnotherProcessOfThePid) {
  v1::QueryPagesRequest request = Query(target_->pid());
  request.mutable_targets(0)->mutable_process()->set_start_time_ticks(1);
  EXPECT_EQ(ErrorOf(request).reason(), v1::ERROR_REASON_PROCESS_REPLACED);

  // A real one: the next process gets the number of the last.
  for (int attempt = 0; attempt < 100; ++attempt) {
    absl::StatusOr<TargetProcess> first = TargetProcess::Start();
    ASSERT_TRUE(first.ok()) << first.status();
    pid_t pid = first->pid();
    PagesAnswer answer = QueryAll(*stub_, Query(pid));
    ASSERT_EQ(answer.starts.size(), 1u);
    // Start times are in ticks of 10 ms.
    absl::SleepFor(absl::Milliseconds(25));
    first->Kill();
    if (!WriteText("/proc/sys/kernel/ns_last_pid", absl::StrCat(pid - 1)).ok()) {
      GTEST_SKIP() << "pids cannot be chosen";
    }
    absl::StatusOr<TargetProcess> second = TargetProcess::Start();
    ASSERT_TRUE(second.ok()) << second.status();
    if (second->pid() != pid) continue;
    request = Query(pid);
    *request.mutable_targets(0)->mutable_process() = answer.starts[0].process();
    EXPECT_EQ(ErrorOf(request).reason(), v1::ERROR_REASON_PROCESS_REPLACED);
    EXPECT_EQ(ErrorOf(Query(pid)).reason(), v1::ERROR_REASON_UNSPECIFIED);
    return;
  }
  GTEST_SKIP() << "others took the pid every time";
}

TEST_F(EdgesTest, DaemonNotReachable) {
  absl::StatusOr<CtlResult> result =
      RunCtl("unix:///tmp/pagemapd-test-no-such-socket", {"pages", "1"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 5) << result->err;
  EXPECT_THAT(result->err, HasSubstr("no-such-socket"));
}

TEST_F(EdgesTest, KernelMappingsAreAnswered) {
  int found = 0;
  for (const MappedRange& range : ReadMaps(target_->pid())) {
    if (range.path.empty() || range.path[0] != '[') continue;
    SCOPED_TRACE(range.path);
    ++found;
    for (const char* view : {"process", "object"}) {
      uint64_t pages = 0;
      auto result = RunCtl(daemon_->address(),
                           {"-o", "jsonl", "pages", absl::StrCat(target_->pid()), "--range",
                            absl::StrFormat("%x-%x", range.start, range.end), "--view", view},
                           [&](absl::string_view line) {
                             auto parsed = ParsePageLine(line);
                             ASSERT_TRUE(parsed.ok()) << parsed.status();
                             pages += parsed->extent.pages();
                           });
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->exit_code, 0) << result->err;
      EXPECT_EQ(pages, (range.end - range.start) / kPageBytes);
    }
  }
  EXPECT_GE(found, 3);
}

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

TEST_F(EdgesTest, TargetsFailBesideOthers) {
  absl::StatusOr<pid_t> zombie = target_->MakeZombie();
  ASSERT_TRUE(zombie.ok()) << zombie.status();
  v1::QueryPagesRequest request;
  request.set_view(v1::VIEW_PROCESS);
  request.set_format(v1::FORMAT_EXTENTS);
  v1::SummarizePagesRequest summary_request;
  summary_request.set_view(v1::VIEW_PROCESS);
  std::vector<v1::ErrorReason> expected;
  for (int i = 0; i < 256; ++i) {
    std::pair<int, v1::ErrorReason> kinds[] = {
        {target_->pid(), v1::ERROR_REASON_UNSPECIFIED},
        {kAbsentPid, v1::ERROR_REASON_NO_SUCH_PROCESS},
        {*zombie, v1::ERROR_REASON_NO_ADDRESS_SPACE},
        {0, v1::ERROR_REASON_INVALID_TARGET},
        {getpid(), v1::ERROR_REASON_UNSPECIFIED},
        {target_->pid(), v1::ERROR_REASON_INVALID_TARGET},
    };
    auto [pid, reason] = kinds[i % 6];
    AddTarget(pid, {}, &request);
    AddTarget(pid, {}, &summary_request);
    if (i % 6 == 5) {
      request.mutable_targets(i)->add_ranges()->set_start(0x1234);
      summary_request.mutable_targets(i)->add_ranges()->set_start(0x1234);
    }
    expected.push_back(reason);
  }
  PagesAnswer answer = QueryAll(*stub_, request);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  ASSERT_EQ(answer.ends.size(), expected.size());
  std::vector<uint64_t> pages(expected.size());
  for (const v1::PageChunk& chunk : answer.chunks) pages.at(chunk.target_index()) += chunk.pages();
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(answer.ends[i].target_index(), i);
    EXPECT_EQ(answer.ends[i].error().reason(), expected[i]) << "target " << i;
    EXPECT_EQ(pages[i] > 0, expected[i] == v1::ERROR_REASON_UNSPECIFIED) << "target " << i;
  }
  grpc::ClientContext context;
  v1::SummarizePagesResponse summary;
  grpc::Status status = stub_->SummarizePages(&context, summary_request, &summary);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(summary.targets_size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(summary.targets(i).error().reason(), expected[i]) << "target " << i;
  }
  CtlResult partly = Ctl({"summary", absl::StrCat(target_->pid()), absl::StrCat(kAbsentPid)});
  EXPECT_EQ(partly.exit_code, 3) << partly.err;
}

TEST_F(EdgesTest, RequestsOverTheLimits) {
  auto code = [&](const v1::QueryPagesRequest& request) {
    return QueryAll(*stub_, request).status.error_code();
  };
  v1::QueryPagesRequest request = Query(target_->pid());
  EXPECT_EQ(code(request), grpc::StatusCode::OK);
  for (uint32_t i = 1; i < limits_.max_targets(); ++i) AddTarget(kAbsentPid, {}, &request);
  EXPECT_EQ(code(request), grpc::StatusCode::OK);
  AddTarget(target_->pid(), {}, &request);
  EXPECT_EQ(code(request), grpc::StatusCode::INVALID_ARGUMENT);

  request = Query(target_->pid());
  for (uint32_t i = 0; i <= limits_.max_ranges(); ++i) {
    v1::AddressRange* range = request.mutable_targets(0)->add_ranges();
    range->set_start(0x1000 + 0x2000 * uint64_t{i});
    range->set_end(0x2000 + 0x2000 * uint64_t{i});
  }
  EXPECT_EQ(code(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.mutable_targets(0)->mutable_ranges()->RemoveLast();
  EXPECT_EQ(code(request), grpc::StatusCode::OK);

  v1::RevalidatePagesRequest revalidate;
  revalidate.mutable_process()->set_pid(target_->pid());
  revalidate.set_view(v1::VIEW_PROCESS);
  for (uint32_t i = 0; i <= limits_.max_ranges(); ++i) {
    v1::PageExtent* extent = revalidate.add_extents();
    extent->set_start(0x1000 + 0x2000 * uint64_t{i});
    extent->set_pages(1);
    extent->set_state(v1::PAGE_STATE_HOLE);
  }
  grpc::ClientContext context;
  v1::RevalidatePagesResponse response;
  EXPECT_EQ(stub_->RevalidatePages(&context, revalidate, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(EdgesTest, RequestsThatSayTooLittleOrTooMuch) {
  auto code = [&](auto change) {
    v1::QueryPagesRequest request = Query(target_->pid());
    change(&request);
    return QueryAll(*stub_, request).status.error_code();
  };
  using Request = v1::QueryPagesRequest;
  const auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  EXPECT_EQ(code([](Request* r) { r->set_view(v1::VIEW_UNSPECIFIED); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->set_view(static_cast<v1::View>(99)); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->set_format(v1::FORMAT_UNSPECIFIED); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->set_format(static_cast<v1::Format>(99)); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->set_format(v1::FORMAT_BITMAP); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->add_states(v1::PAGE_STATE_UNSPECIFIED); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->add_states(static_cast<v1::PageState>(-1)); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->add_fields(v1::PAGE_FIELD_UNSPECIFIED); }), kInvalid);
  EXPECT_EQ(code([](Request* r) { r->add_fields(static_cast<v1::PageField>(77)); }), kInvalid);
}

// A scan of more than the daemon may hold in flight: of `targets` times `pages` pages that all
// differ, a record each.
class StalledTest : public EdgesTest {
 protected:
  void SetUp() override {
    EdgesTest::SetUp();
    if (HasFatalFailure()) return;
    absl::StatusOr<uint64_t> at =
        target_->Map(kPages * kPageBytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS);
    ASSERT_TRUE(at.ok()) << at.status();
    std::vector<PageRun> some;
    for (uint64_t i = 0; i < kPages; i += 2) some.push_back({i, 1});
    ASSERT_TRUE(target_->Write(*at, some).ok());
    request_.set_view(v1::VIEW_PROCESS);
    request_.set_format(v1::FORMAT_PACKED);
    request_.add_fields(v1::PAGE_FIELD_LOCATION);
    for (int i = 0; i < 256; ++i) AddTarget(target_->pid(), {{*at, kPages}}, &request_);
  }

  // 128 MiB of answer in all.
  static constexpr uint64_t kPages = 65536;
  v1::QueryPagesRequest request_;
};

TEST_F(StalledTest, AClientThatStopsReadingStallsItselfAlone) {
  constexpr int kStalled = 8;
  std::vector<std::unique_ptr<v1::PagemapService::Stub>> stubs;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::QueryPagesResponse>>> streams;
  for (int i = 0; i < kStalled; ++i) {
    stubs.push_back(NewStub(daemon_->address()));
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stubs.back()->QueryPages(contexts.back().get(), request_));
    v1::QueryPagesResponse first;
    ASSERT_TRUE(streams.back()->Read(&first));
  }
  absl::SleepFor(absl::Seconds(2));
  uint64_t rss = *daemon_->RssBytes();
  for (int round = 0; round < 20; ++round) {
    absl::Time begin = absl::Now();
    ASSERT_EQ(ErrorOf(Query(target_->pid())).reason(), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  }
  rss = std::max(rss, *daemon_->RssBytes());
  printf("RSS with %d stalled clients: %lu MiB, %lu MiB without\n", kStalled, rss >> 20,
         rss_before_ >> 20);
  EXPECT_LT(rss, rss_before_ + (64 << 20));
  for (auto& context : contexts) context->TryCancel();
  for (auto& stream : streams) {
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

TEST_F(StalledTest, MoreScansThanTheDaemonHoldsAreRefused) {
  ASSERT_GT(limits_.max_scans(), 0u);
  for (int burst = 0; burst < 4; ++burst) {
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<v1::QueryPagesResponse>>> streams;
    for (uint32_t i = 0; i < limits_.max_scans(); ++i) {
      contexts.push_back(std::make_unique<grpc::ClientContext>());
      streams.push_back(stub_->QueryPages(contexts.back().get(), request_));
      v1::QueryPagesResponse first;
      ASSERT_TRUE(streams.back()->Read(&first)) << "scan " << i;
    }
    EXPECT_LT(*daemon_->RssBytes(), rss_before_ + limits_.max_bytes_in_flight() + (16 << 20));
    EXPECT_EQ(QueryAll(*stub_, Query(target_->pid())).status.error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
    CtlResult refused = Ctl({"pages", absl::StrCat(target_->pid())});
    EXPECT_EQ(refused.exit_code, 1) << refused.err;
    EXPECT_NE(refused.err, "");
    for (auto& context : contexts) context->TryCancel();
    for (auto& stream : streams) static_cast<void>(stream->Finish());
    grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
    for (int i = 0; i < 100 && code != grpc::StatusCode::OK; ++i) {
      absl::SleepFor(absl::Milliseconds(50));
      code = QueryAll(*stub_, Query(target_->pid())).status.error_code();
    }
    EXPECT_EQ(code, grpc::StatusCode::OK);
  }
  // The daemon gives memory back once a second at most, as a scan ends.
  absl::SleepFor(absl::Milliseconds(1100));
  EXPECT_TRUE(QueryAll(*stub_, Query(target_->pid())).status.ok());
  EXPECT_LT(SettledRss(), rss_before_ + (12 << 20));
}

TEST_F(StalledTest, AStalledClientGoesOnWhereItStopped) {
  grpc::ClientContext context;
  auto stream = stub_->QueryPages(&context, request_);
  v1::QueryPagesResponse message;
  uint64_t pages = 0, ends = 0;
  for (bool first = true; stream->Read(&message); first = false) {
    for (const v1::PageChunk& chunk : message.chunks()) pages += chunk.pages();
    ends += message.ends_size();
    if (first) absl::SleepFor(absl::Seconds(1));
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(pages, 256 * kPages);
  EXPECT_EQ(ends, 256u);
}

TEST_F(StalledTest, ClientsThatCancel) {
  std::mt19937 lots(3);
  for (int round = 0; round < 100; ++round) {
    auto stub = NewStub(daemon_->address());
    grpc::ClientContext context;
    auto stream = stub->QueryPages(&context, request_);
    v1::QueryPagesResponse message;
    for (unsigned reads = lots() % 4; reads > 0 && stream->Read(&message); --reads) {
    }
    if (round % 3 != 0) context.TryCancel();
    // Else the connection simply breaks.
    if (round % 3 != 0) {
      EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
    } else {
      context.TryCancel();
      stub.reset();
      static_cast<void>(stream->Finish());
    }
  }
}

TEST_F(StalledTest, ADeadlineEndsAScan) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(5));
  auto stream = stub_->QueryPages(&context, request_);
  v1::QueryPagesResponse message;
  while (stream->Read(&message)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(StalledTest, ACommandLineThatIsKilledLeavesNothing) {
  for (int round = 0; round < 10; ++round) {
    Subprocess::Options options;
    options.argv = {Runfile("cli/pagemapctl"),   "-a", daemon_->address(), "-o", "jsonl", "pages",
                    absl::StrCat(target_->pid())};
    Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    options.fds = {{null.get(), STDOUT_FILENO}};
    absl::StatusOr<Subprocess> ctl = Subprocess::Start(options);
    ASSERT_TRUE(ctl.ok()) << ctl.status();
    absl::SleepFor(absl::Milliseconds(10 * round));
    static_cast<void>(ctl->Signal(SIGKILL));
  }
}

// A terabyte of nothing with a few pages in it.
class SparseTest : public EdgesTest,
                   public ::testing::WithParamInterface<std::tuple<std::string, MemoryKind>> {};

TEST_P(SparseTest, IsAnsweredRightAndSoon) {
  auto [without, kind] = GetParam();
  if (!without.empty()) StartDaemon({"--without", without});
  if (HasFatalFailure()) return;
  constexpr uint64_t kSparsePages = uint64_t{1} << 28;
  int flags = MAP_NORESERVE | (kind == MemoryKind::kMemfd ? MAP_SHARED : MAP_ANONYMOUS);
  int64_t fd = -1;
  if (kind == MemoryKind::kMemfd) {
    auto made = target_->SyscallWithText(SYS_memfd_create, {kPayloadArg, 0}, "sparse");
    ASSERT_TRUE(made.ok()) << made.status();
    fd = *made;
    ASSERT_TRUE(
        target_->Syscall(SYS_ftruncate, {static_cast<uint64_t>(fd), kSparsePages * kPageBytes})
            .ok());
  } else {
    flags |= kind == MemoryKind::kSharedAnon ? MAP_SHARED : MAP_PRIVATE;
  }
  absl::StatusOr<uint64_t> at = target_->Map(kSparsePages * kPageBytes, kReadWrite, flags, fd);
  ASSERT_TRUE(at.ok()) << at.status();
  std::mt19937_64 lots(4);
  std::set<uint64_t> touched = {0, kSparsePages - 1};
  while (touched.size() < 300) touched.insert(lots() % kSparsePages);
  std::vector<PageRun> runs;
  for (uint64_t page : touched) runs.push_back({page, 1});
  ASSERT_TRUE(target_->Advise(*at, {{0, kSparsePages}}, MADV_NOHUGEPAGE).ok());
  ASSERT_TRUE(target_->Write(*at, runs).ok());

  for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
    for (v1::Format format : {v1::FORMAT_EXTENTS, v1::FORMAT_PACKED, v1::FORMAT_BITMAP}) {
      if (view == v1::VIEW_OBJECT && kind == MemoryKind::kPrivateAnon) continue;
      // A plain read has 2 GiB of pagemap to go through: once will do.
      const bool reads_all = without == "pagemap-scan" && view == v1::VIEW_PROCESS;
      if (reads_all && format != v1::FORMAT_EXTENTS) continue;
      SCOPED_TRACE(absl::StrCat("view ", view, ", format ", format));
      v1::PageState wanted =
          view == v1::VIEW_PROCESS ? v1::PAGE_STATE_MAPPED : v1::PAGE_STATE_CACHED;
      v1::QueryPagesRequest request = QueryOf(target_->pid(), {{*at, kSparsePages}}, view, format);
      request.add_states(wanted);
      absl::Time begin = absl::Now();
      PagesAnswer answer = QueryAll(*stub_, request);
      absl::Duration took = absl::Now() - begin;
      ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
      ASSERT_EQ(answer.ends.size(), 1u);
      EXPECT_FALSE(answer.ends[0].has_error()) << answer.ends[0].error().message();
      const v1::PageCounts& counts = answer.ends[0].counts();
      EXPECT_EQ(counts.hole() + counts.mapped() + counts.cached() + counts.swapped(), kSparsePages);
      EXPECT_EQ(counts.unknown(), 0u);
      std::set<uint64_t> found;
      for (const v1::PageChunk& chunk : answer.chunks) {
        uint64_t first = (chunk.start() - *at) / kPageBytes;
        for (const v1::PageExtent& extent : chunk.extents()) {
          for (uint64_t i = 0; i < extent.pages() && i < 1000; ++i) {
            found.insert((extent.start() - *at) / kPageBytes + i);
          }
        }
        for (uint64_t i = 0; i < chunk.packed().size() / 8; ++i) {
          if (chunk.packed()[8 * i] & 7) found.insert(first + i);
        }
        for (uint64_t i = 0; i < chunk.bitmap().size() * 8; ++i) {
          if (chunk.bitmap()[i / 8] >> (i % 8) & 1) found.insert(first + i);
        }
        // Such as the last page, in a chunk of its own.
        for (uint64_t i = 0; chunk.uniform() != 0 && i < chunk.pages() && i < 1000; ++i) {
          found.insert(first + i);
        }
      }
      EXPECT_TRUE(found == touched)
          << found.size() << " pages found, " << touched.size() << " touched";
      printf("1 TiB %s, view %d, format %d, without %s: %.0f ms\n", Name(kind), view, format,
             without.empty() ? "nothing" : without.c_str(), absl::ToDoubleMilliseconds(took));
      EXPECT_LT(took, absl::Seconds(reads_all ? 40 : 10));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, SparseTest,
    ::testing::Combine(::testing::Values(std::string(), std::string("pagemap-scan")),
                       ::testing::Values(MemoryKind::kPrivateAnon, MemoryKind::kSharedAnon,
                                         MemoryKind::kMemfd)),
    [](const auto& info) {
      std::string name = std::get<0>(info.param).empty() ? "scan_" : "read_";
      for (const char* c = Name(std::get<1>(info.param)); *c != 0; ++c) {
        name += isalnum(*c) ? *c : '_';
      }
      return name;
    });

}  // namespace
}  // namespace pagemapd
