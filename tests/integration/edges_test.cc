// Requests that make no sense or ask for too much: each has its typed error and its exit code, and
// the daemon lives on as it was.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"
#include "tests/integration/page_report.h"

namespace pagemapd {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace pagemapd
