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
