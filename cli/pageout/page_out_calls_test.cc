#include "cli/pageout/page_out_calls.h"

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;

v1::PageOutRange Range(uint64_t start) {
  v1::PageOutRange range;
  range.mutable_range()->set_start(start);
  range.mutable_range()->set_end(start + 0x1000);
  return range;
}

void Count(v1::PageOutOutcome outcome, uint64_t pages, v1::PageOutResponse* response) {
  auto& entry = *response->mutable_counts()->add_outcomes();
  entry.set_outcome(outcome);
  entry.set_pages(pages);
  response->mutable_counts()->set_asked(response->counts().asked() + pages);
}

class PageOutCallsTest : public CommandTest {
 protected:
  PageOutCallsTest() {
    process_.set_pid(123);
    v1::PageOutResponse first;
    first.mutable_process()->set_pid(123);
    first.mutable_process()->set_start_time_ticks(5523);
    Count(v1::PAGE_OUT_OUTCOME_PAGED_OUT, 2, &first);
    v1::PageOutResponse last;
    Count(v1::PAGE_OUT_OUTCOME_PAGED_OUT, 5, &last);
    Count(v1::PAGE_OUT_OUTCOME_KEPT, 1, &last);
    last.mutable_counts()->set_attempted(6);
    last.mutable_counts()->set_achieved(5);
    last.mutable_end();
    service_.page_outs = {{first, last}};
  }

  // Adds `ranges` ranges and flushes.
  PageOutTotal Call(int ranges, const PageOutSwitches& switches, const OnPageOutAnswer& on_answer) {
    PageOutTotal total;
    Run(OutputFormat::kTable, [&](const Session& session) {
      PageOutCalls calls(session.service(), process_, switches, 16, on_answer);
      for (int i = 0; i < ranges && calls.Add(Range(0x1000 * i)); ++i) {
      }
      calls.Flush();
      total = calls.total();
      return ExitCode::kDone;
    });
    return total;
  }
  PageOutTotal Call(int ranges) {
    return Call(ranges, {}, [](const PageOutTotal&, const v1::PageOutResponse&) { return true; });
  }

  v1::ProcessRef process_;
};

TEST_F(PageOutCallsTest, MakesAsManyCallsAsTheRangesTake) {
  const PageOutTotal total = Call(35);
  ASSERT_EQ(service_.page_out_requests.size(), 3u);
  EXPECT_EQ(service_.page_out_requests[0].ranges_size(), 16);
  EXPECT_EQ(service_.page_out_requests[1].ranges_size(), 16);
  EXPECT_EQ(service_.page_out_requests[2].ranges_size(), 3);
  EXPECT_EQ(service_.page_out_requests[1].ranges(0).range().start(), 0x10000u);
  EXPECT_FALSE(total.failed());
}

TEST_F(PageOutCallsTest, MakesNoCallForNothing) {
  const PageOutTotal total = Call(0);
  EXPECT_EQ(service_.page_out_requests.size(), 0u);
  EXPECT_FALSE(total.failed());
  EXPECT_FALSE(total.process.has_value());
}

TEST_F(PageOutCallsTest, AllCallsAreOfTheSameProcess) {
  const PageOutTotal total = Call(20);
  EXPECT_EQ(service_.page_out_requests[0].process().start_time_ticks(), 0u);
  EXPECT_EQ(service_.page_out_requests[1].process().start_time_ticks(), 5523u);
  EXPECT_EQ(total.process->start_time_ticks(), 5523u);
}

TEST_F(PageOutCallsTest, AddsUpTheLastCountsOfEachCall) {
  const PageOutTotal total = Call(20);
  EXPECT_EQ(total.counts.asked(), 12u);
  EXPECT_EQ(total.counts.attempted(), 12u);
  EXPECT_EQ(total.counts.achieved(), 10u);
  EXPECT_EQ(total.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), 10u);
  EXPECT_EQ(total.PagesOf(v1::PAGE_OUT_OUTCOME_KEPT), 2u);
  EXPECT_EQ(total.PagesOf(v1::PAGE_OUT_OUTCOME_SHARED), 0u);
  EXPECT_EQ(total.counts.outcomes_size(), 2);
}

TEST_F(PageOutCallsTest, TellsHowFarItIs) {
  std::vector<uint64_t> asked;
  Call(20, {}, [&](const PageOutTotal& so_far, const v1::PageOutResponse&) {
    EXPECT_EQ(so_far.process->pid(), 123);
    asked.push_back(so_far.counts.asked());
    return true;
  });
  EXPECT_THAT(asked, ElementsAre(2, 6, 8, 12));
}

TEST_F(PageOutCallsTest, PassesTheSwitchesToEveryCall) {
  PageOutSwitches switches;
  switches.dry_run = true;
  switches.only_idle = true;
  switches.max_pages_per_second = 77;
  Call(20, switches, [](const PageOutTotal&, const v1::PageOutResponse&) { return true; });
  ASSERT_EQ(service_.page_out_requests.size(), 2u);
  for (const v1::PageOutRequest& request : service_.page_out_requests) {
    EXPECT_TRUE(request.dry_run());
    EXPECT_TRUE(request.only_idle());
    EXPECT_EQ(request.max_pages_per_second(), 77u);
  }
}

TEST_F(PageOutCallsTest, StopsWhereTheProcessFails) {
  v1::TargetError& error = *service_.page_outs[0][1].mutable_end()->mutable_error();
  error.set_reason(v1::ERROR_REASON_PROCESS_EXITED);
  const PageOutTotal total = Call(35);
  EXPECT_EQ(service_.page_out_requests.size(), 1u);
  EXPECT_TRUE(total.failed());
  EXPECT_TRUE(total.status.ok());
  EXPECT_EQ(total.error->reason(), v1::ERROR_REASON_PROCESS_EXITED);
  EXPECT_EQ(total.counts.asked(), 6u);
}

TEST_F(PageOutCallsTest, StopsWhereTheCallFails) {
  service_.page_out_status = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many");
  const PageOutTotal total = Call(35);
  EXPECT_EQ(service_.page_out_requests.size(), 1u);
  EXPECT_EQ(total.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(PageOutCallsTest, AnAnswerWithoutEndIsAnError) {
  service_.page_outs[0].pop_back();
  const PageOutTotal total = Call(1);
  EXPECT_EQ(total.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(total.counts.asked(), 2u);
}

TEST_F(PageOutCallsTest, StopsWhereNoMoreIsWanted) {
  const PageOutTotal total =
      Call(35, {}, [](const PageOutTotal&, const v1::PageOutResponse&) { return false; });
  EXPECT_EQ(service_.page_out_requests.size(), 1u);
  EXPECT_FALSE(total.failed());
}

TEST_F(PageOutCallsTest, KeepsThatMappingsChangedInOneCall) {
  service_.page_outs.push_back(service_.page_outs[0]);
  EXPECT_FALSE(Call(20).mappings_changed);
  service_.page_out_requests.clear();
  service_.page_outs[0][1].mutable_end()->set_mappings_changed(true);
  EXPECT_TRUE(Call(20).mappings_changed);
  EXPECT_EQ(service_.page_out_requests.size(), 2u);
}

TEST_F(PageOutCallsTest, ForgetsWhatIsDropped) {
  Run(OutputFormat::kTable, [&](const Session& session) {
    PageOutCalls calls(session.service(), process_, {}, 16,
                       [](const PageOutTotal&, const v1::PageOutResponse&) { return true; });
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(calls.Add(Range(0x1000 * i)));
    calls.Drop();
    EXPECT_TRUE(calls.Flush());
    return ExitCode::kDone;
  });
  EXPECT_EQ(service_.page_out_requests.size(), 1u);
}

// A message of 4 MiB is the most that a server takes by default.
TEST_F(PageOutCallsTest, BoundsTheBytesOfACall) {
  Run(OutputFormat::kTable, [&](const Session& session) {
    PageOutCalls calls(session.service(), process_, {}, 0,
                       [](const PageOutTotal&, const v1::PageOutResponse&) { return true; });
    v1::PageOutRange range = Range(UINT64_MAX - 0xfff);
    range.mutable_expected()->mutable_object()->set_device_major(UINT32_MAX);
    range.mutable_expected()->mutable_object()->set_device_minor(UINT32_MAX);
    range.mutable_expected()->mutable_object()->set_inode(UINT64_MAX);
    range.mutable_expected()->set_object_index(UINT64_MAX);
    for (int i = 0; i < 66000; ++i) EXPECT_TRUE(calls.Add(range));
    EXPECT_TRUE(calls.Flush());
    return ExitCode::kDone;
  });
  ASSERT_EQ(service_.page_out_requests.size(), 2u);
  EXPECT_LT(service_.page_out_requests[0].ByteSizeLong(), 3u << 20);
  EXPECT_EQ(
      service_.page_out_requests[0].ranges_size() + service_.page_out_requests[1].ranges_size(),
      66000);
}

}  // namespace
}  // namespace pagemapd
