#include "cli/summary_command.h"

#include <nlohmann/json.hpp>

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;
using testing::Not;

class SummaryCommandTest : public CommandTest {
 protected:
  SummaryCommandTest() {
    v1::TargetSummary& summary = *service_.summary.add_targets();
    summary.mutable_process()->set_pid(123);
    summary.mutable_total()->set_cached(600);
    summary.mutable_total()->set_swapped(44);
    v1::SwapUse& use = *summary.add_swap();
    use.set_type(0);
    use.set_pages(44);
    AddFolios(0, 88, 12);
    AddFolios(4, 0, 32);
    AddFolios(9, 512, 0);
    service_.areas.add_areas()->set_path("/dev/zram0");
    service_.areas.add_type_names()->set_type(0);
    options_.pids = {123};
  }

  void AddFolios(uint32_t order, uint64_t resident, uint64_t swapped) {
    v1::FolioSize& size = *service_.summary.mutable_targets(0)->add_folios();
    size.set_order(order);
    size.set_resident_pages(resident);
    size.set_swapped_pages(swapped);
  }

  // A process with `mappings` mappings of a page each, of which `listed` are.
  static v1::TargetSummary SummaryOf(int32_t pid, int mappings, int listed) {
    v1::TargetSummary summary;
    summary.mutable_process()->set_pid(pid);
    summary.mutable_process()->set_start_time_ticks(1000 + pid);
    summary.mutable_total()->set_mapped(mappings);
    summary.set_mappings_truncated(listed < mappings);
    for (int i = 0; i < listed; ++i) {
      v1::MappingSummary& mapping = *summary.add_mappings();
      mapping.mutable_mapping()->mutable_range()->set_start(0x1000 * i);
      mapping.mutable_mapping()->mutable_range()->set_end(0x1000 * (i + 1));
      mapping.mutable_counts()->set_mapped(1);
    }
    return summary;
  }

  // Of three processes the second, with two mappings, comes back with one as long as others are
  // asked about; asked about alone it is as `alone`.
  void CutTheSecond(const v1::TargetSummary& alone) {
    options_.pids = {1, 2, 3};
    service_.summary.Clear();
    *service_.summary.add_targets() = SummaryOf(1, 1, 1);
    *service_.summary.add_targets() = SummaryOf(2, 2, 1);
    *service_.summary.add_targets() = SummaryOf(3, 1, 1);
    *service_.later_summaries.emplace_back().add_targets() = alone;
  }

  Result RunSummaryIn(OutputFormat format) {
    return Run(format, [&](const Session& session) { return RunSummary(session, options_); });
  }

  SummaryOptions options_;
};

TEST_F(SummaryCommandTest, FoliosAreATableAfterSwap) {
  options_.folios = true;
  const Result result = RunSummaryIn(OutputFormat::kTable);
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_THAT(result.out, HasSubstr("\n\n"
                                    "PID  SWAP AREA   TYPE  PAGES  SIZE\n"
                                    "123  /dev/zram0     0     44  176K\n"
                                    "\n"
                                    "PID  ORDER  FOLIO  RESIDENT  SWAPPED\n"
                                    "123      0     4K        88       12\n"
                                    "123      4    64K         0       32\n"
                                    "123      9     2M       512        0\n"));
  ASSERT_EQ(service_.summaries.size(), 1u);
  EXPECT_TRUE(service_.summaries[0].include_folios());
}

TEST_F(SummaryCommandTest, AFolioBeyondReasonIsNotShifted) {
  options_.folios = true;
  AddFolios(200, 1, 0);
  EXPECT_THAT(RunSummaryIn(OutputFormat::kTable).out,
              HasSubstr("123    200      ?         1        0\n"));
}

TEST_F(SummaryCommandTest, FoliosAreAnArrayInJson) {
  options_.folios = true;
  const auto expected = nlohmann::json::parse(
      R"([{"order":0,"resident_pages":88,"swapped_pages":12},
          {"order":4,"resident_pages":0,"swapped_pages":32},
          {"order":9,"resident_pages":512,"swapped_pages":0}])");
  for (const OutputFormat format : {OutputFormat::kJson, OutputFormat::kJsonLines}) {
    EXPECT_EQ(nlohmann::json::parse(RunSummaryIn(format).out)["folios"], expected);
  }
  service_.summary.mutable_targets(0)->clear_folios();
  EXPECT_EQ(nlohmann::json::parse(RunSummaryIn(OutputFormat::kJson).out)["folios"],
            nlohmann::json::array());
}

TEST_F(SummaryCommandTest, FoliosAreNotAskedForUntold) {
  service_.summary.mutable_targets(0)->clear_folios();
  EXPECT_THAT(RunSummaryIn(OutputFormat::kTable).out, Not(HasSubstr("FOLIO")));
  EXPECT_FALSE(nlohmann::json::parse(RunSummaryIn(OutputFormat::kJson).out).contains("folios"));
  for (const auto& request : service_.summaries) EXPECT_FALSE(request.include_folios());
}

TEST_F(SummaryCommandTest, CsvHasNoFolios) {
  options_.folios = true;
  EXPECT_EQ(RunSummaryIn(OutputFormat::kCsv).code, ExitCode::kDone);
  EXPECT_FALSE(service_.summaries.at(0).include_folios());
}

TEST_F(SummaryCommandTest, WhatOthersLeftNoRoomForIsAskedForAlone) {
  CutTheSecond(SummaryOf(2, 2, 2));
  const Result result = RunSummaryIn(OutputFormat::kJson);
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_EQ(result.error, "");
  ASSERT_EQ(service_.summaries.size(), 2u);
  const v1::SummarizePagesRequest& alone = service_.summaries[1];
  EXPECT_TRUE(alone.include_mappings());
  ASSERT_EQ(alone.targets_size(), 1);
  EXPECT_EQ(alone.targets(0).process().pid(), 2);
  EXPECT_EQ(alone.targets(0).process().start_time_ticks(), 1002u);
  const auto processes = nlohmann::ordered_json::parse(result.out);
  ASSERT_EQ(processes.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(processes[i]["pid"], i + 1);
    EXPECT_EQ(processes[i]["mappings"].size(), i == 1 ? 2u : 1u);
    EXPECT_FALSE(processes[i].contains("mappings_truncated"));
  }
  // It is written piece by piece.
  EXPECT_EQ(result.out, processes.dump(2) + "\n");
}

TEST_F(SummaryCommandTest, AnIncompleteSummarySaysSo) {
  options_.pids = {2};
  service_.summary.Clear();
  *service_.summary.add_targets() = SummaryOf(2, 2, 1);
  const std::string note =
      "pagemapctl: note: process 2 has more mappings than are listed; its total counts all\n";
  for (const OutputFormat format : {OutputFormat::kJson, OutputFormat::kJsonLines}) {
    const Result result = RunSummaryIn(format);
    EXPECT_EQ(result.code, ExitCode::kPartlyDone);
    EXPECT_EQ(result.error, note);
    const auto process = nlohmann::json::parse(result.out);
    EXPECT_EQ(process["mappings_truncated"], true);
    EXPECT_EQ(process["mappings"].size(), 1u);
  }
  options_.mappings = true;
  for (const OutputFormat format : {OutputFormat::kCsv, OutputFormat::kTable}) {
    const Result result = RunSummaryIn(format);
    EXPECT_EQ(result.code, ExitCode::kPartlyDone);
    EXPECT_EQ(result.error, note);
  }
  // It was alone each time.
  EXPECT_EQ(service_.summaries.size(), 4u);
}

TEST_F(SummaryCommandTest, WhatIsIncompleteAloneIsNotAskedForOnceMore) {
  CutTheSecond(SummaryOf(2, 3, 2));
  const Result result = RunSummaryIn(OutputFormat::kJsonLines);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(service_.summaries.size(), 2u);
  EXPECT_THAT(result.error, HasSubstr("process 2 has more mappings than are listed"));
  EXPECT_THAT(result.out, HasSubstr("\"pid\":2,\"start_time_ticks\":1002,\"total\":{\"hole\":0,"
                                    "\"mapped\":3,\"cached\":0,\"swapped\":0,\"special\":0,"
                                    "\"unknown\":0},\"mappings_truncated\":true,"));
}

TEST_F(SummaryCommandTest, WhatIsGoneWhenAskedForAloneIsToldOf) {
  v1::TargetSummary gone;
  gone.mutable_error()->set_reason(v1::ERROR_REASON_NO_SUCH_PROCESS);
  gone.mutable_error()->set_message("no process 2");
  CutTheSecond(gone);
  const Result result = RunSummaryIn(OutputFormat::kJson);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(result.error, "pagemapctl: no process 2\n");
  EXPECT_EQ(nlohmann::json::parse(result.out).size(), 2u);
}

TEST_F(SummaryCommandTest, WhereTheCallForOneFailsTheFirstAnswerStays) {
  CutTheSecond(SummaryOf(2, 2, 2));
  service_.later_summaries[0].clear_targets();
  const Result result = RunSummaryIn(OutputFormat::kJson);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_THAT(result.error, HasSubstr("the daemon did not answer all targets"));
  const auto processes = nlohmann::json::parse(result.out);
  ASSERT_EQ(processes.size(), 3u);
  EXPECT_EQ(processes[1]["mappings_truncated"], true);
}

TEST_F(SummaryCommandTest, SaysWhatFoliosLack) {
  options_.folios = true;
  service_.summary_status = grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                                         "folio sizes take the source bpf, which is not active");
  const Result result = RunSummaryIn(OutputFormat::kTable);
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.error, HasSubstr("folio sizes take the source bpf"));
}

}  // namespace
}  // namespace pagemapd
