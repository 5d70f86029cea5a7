#include "cli/pageout/pageout_command.h"

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;

class PageoutCommandTest : public CommandTest {
 protected:
  PageoutCommandTest() {
    service_.mappings.mutable_process()->set_pid(123);
    service_.mappings.mutable_process()->set_start_time_ticks(5523);
    v1::Mapping& mapping = *service_.mappings.add_mappings();
    mapping.mutable_range()->set_start(0x7f1200000000);
    mapping.mutable_range()->set_end(0x7f1200008000);
    mapping.set_path("/memfd:ram (deleted)");
    mapping.mutable_object()->set_inode(2049);
    options_.pid = 123;
    options_.globs = {"/memfd:*"};
  }

  // The daemon answers that so many pages have each outcome.
  Result Answered(std::vector<std::pair<v1::PageOutOutcome, uint64_t>> outcomes) {
    v1::PageOutResponse response;
    *response.mutable_process() = service_.mappings.process();
    for (const auto& [outcome, pages] : outcomes) {
      auto& entry = *response.mutable_counts()->add_outcomes();
      entry.set_outcome(outcome);
      entry.set_pages(pages);
      response.mutable_counts()->set_asked(response.counts().asked() + pages);
    }
    *response.mutable_end() = end_;
    service_.page_outs = {{response}};
    return RunWith(OutputFormat::kCsv);
  }

  Result RunWith(OutputFormat format) {
    service_.page_out_requests.clear();
    return Run(format, [&](const Session& session) { return RunPageOut(session, options_); });
  }

  PageOutOptions options_;
  v1::PageOutEnd end_;
};

TEST_F(PageoutCommandTest, AsksForMappingsOfTheProcessThatHasThem) {
  EXPECT_EQ(Answered({{v1::PAGE_OUT_OUTCOME_PAGED_OUT, 8}}).code, ExitCode::kDone);
  ASSERT_EQ(service_.page_out_requests.size(), 1u);
  const v1::PageOutRequest& request = service_.page_out_requests[0];
  EXPECT_EQ(request.process().pid(), 123);
  EXPECT_EQ(request.process().start_time_ticks(), 5523u);
  ASSERT_EQ(request.ranges_size(), 1);
  EXPECT_EQ(request.ranges(0).range().start(), 0x7f1200000000u);
  EXPECT_EQ(request.ranges(0).expected().object().inode(), 2049u);
}

TEST_F(PageoutCommandTest, AsksForRangesWithoutLookingAtMappings) {
  options_.globs.clear();
  options_.ranges = {{0x1000, 0x3000}};
  EXPECT_EQ(Answered({{v1::PAGE_OUT_OUTCOME_PAGED_OUT, 2}}).code, ExitCode::kDone);
  EXPECT_EQ(service_.mappings_calls, 0);
  EXPECT_EQ(service_.page_out_requests[0].process().start_time_ticks(), 0u);
  EXPECT_FALSE(service_.page_out_requests[0].ranges(0).has_expected());
}

TEST_F(PageoutCommandTest, NothingInTheWayIsDone) {
  EXPECT_EQ(Answered({{v1::PAGE_OUT_OUTCOME_PAGED_OUT, 1},
                      {v1::PAGE_OUT_OUTCOME_IN_SWAP_CACHE, 1},
                      {v1::PAGE_OUT_OUTCOME_ALREADY_SWAPPED, 1},
                      {v1::PAGE_OUT_OUTCOME_HOLE, 1},
                      {v1::PAGE_OUT_OUTCOME_IN_USE, 1}})
                .code,
            ExitCode::kDone);
  EXPECT_EQ(Answered({{v1::PAGE_OUT_OUTCOME_HOLE, 1}}).code, ExitCode::kDone);
  EXPECT_EQ(Answered({{v1::PAGE_OUT_OUTCOME_IN_USE, 1}}).code, ExitCode::kDone);
  options_.switches.dry_run = true;
  EXPECT_EQ(Answered({{v1::PAGE_OUT_OUTCOME_WOULD_PAGE_OUT, 1}}).code, ExitCode::kDone);
}

TEST_F(PageoutCommandTest, APageThatStayedIsPartlyDone) {
  const Result result = Answered({{v1::PAGE_OUT_OUTCOME_ALREADY_SWAPPED, 7},
                                  {v1::PAGE_OUT_OUTCOME_LOCKED, 2},
                                  {v1::PAGE_OUT_OUTCOME_SHARED, 3}});
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(result.error, "pagemapctl: 5 of 12 pages are not in swap: 2 locked, 3 shared\n");
  EXPECT_EQ(RunWith(OutputFormat::kTable).error, "");
}

TEST_F(PageoutCommandTest, NothingButPagesThatStayedIsAFailure) {
  EXPECT_EQ(Answered({{v1::PAGE_OUT_OUTCOME_HOLE, 7}, {v1::PAGE_OUT_OUTCOME_LOCKED, 2}}).code,
            ExitCode::kFailed);
}

TEST_F(PageoutCommandTest, AProcessThatFailsIsPartlyDoneIfSomethingWas) {
  end_.mutable_error()->set_reason(v1::ERROR_REASON_PERMISSION_DENIED);
  end_.mutable_error()->set_message("not yours");
  const Result result = Answered({{v1::PAGE_OUT_OUTCOME_PAGED_OUT, 1}});
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_THAT(result.error, HasSubstr("not yours"));
  EXPECT_EQ(Answered({}).code, ExitCode::kPermissionDenied);
  end_.mutable_error()->set_reason(v1::ERROR_REASON_PROCESS_EXITED);
  EXPECT_EQ(Answered({}).code, ExitCode::kFailed);
}

TEST_F(PageoutCommandTest, ACallThatFailsSaysSo) {
  service_.page_out_status = grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "go away");
  const Result result = RunWith(OutputFormat::kJson);
  EXPECT_EQ(result.code, ExitCode::kPermissionDenied);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.error, "pagemapctl: go away\n");
}

TEST_F(PageoutCommandTest, SaysThatMappingsChanged) {
  end_.set_mappings_changed(true);
  const Result result = Answered({{v1::PAGE_OUT_OUTCOME_PAGED_OUT, 1}});
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_THAT(result.error, HasSubstr("note: the mappings of process 123 changed"));
}

TEST_F(PageoutCommandTest, IdlePagesTakeAKernelThatTracksThem) {
  options_.switches.only_idle = true;
  Result result = Answered({{v1::PAGE_OUT_OUTCOME_IN_USE, 8}});
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_THAT(result.error, HasSubstr("CONFIG_IDLE_PAGE_TRACKING"));
  EXPECT_EQ(service_.page_out_requests.size(), 0u);

  service_.capabilities.mutable_kernel_features()->set_idle_pages(true);
  result = Answered({{v1::PAGE_OUT_OUTCOME_IN_USE, 8}});
  EXPECT_EQ(result.code, ExitCode::kDone);
  ASSERT_EQ(service_.page_out_requests.size(), 1u);
  EXPECT_TRUE(service_.page_out_requests[0].only_idle());
}

TEST_F(PageoutCommandTest, NamesAGlobThatMatchesNothing) {
  options_.globs = {"/gone"};
  const Result result = RunWith(OutputFormat::kTable);
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(result.error, "pagemapctl: no mapping of process 123 matches /gone\n");
  EXPECT_EQ(service_.page_out_requests.size(), 0u);
}

TEST_F(PageoutCommandTest, NamesAFileThatIsNotThere) {
  options_.globs.clear();
  options_.from = "/nonexistent/cold.jsonl";
  const Result result = RunWith(OutputFormat::kTable);
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(result.error,
            "pagemapctl: cannot open /nonexistent/cold.jsonl: No such file or directory\n");
}

}  // namespace
}  // namespace pagemapd
