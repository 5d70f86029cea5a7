#include "cli/pageout/page_out_output.h"

#include <nlohmann/json.hpp>

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;

class PageOutOutputTest : public CommandTest {
 protected:
  PageOutOutputTest() {
    total_.process.emplace().set_pid(123);
    total_.process->set_start_time_ticks(5523);
    total_.counts.set_attempted(7);
    total_.counts.set_achieved(5);
  }

  void Add(uint64_t start, uint64_t pages, v1::PageOutOutcome outcome) {
    v1::PageOutExtent& extent = extents_.emplace_back();
    extent.set_start(start);
    extent.set_pages(pages);
    extent.set_outcome(outcome);
    total_.counts.set_asked(total_.counts.asked() + pages);
    for (auto& entry : *total_.counts.mutable_outcomes()) {
      if (entry.outcome() != outcome) continue;
      entry.set_pages(entry.pages() + pages);
      return;
    }
    auto& entry = *total_.counts.add_outcomes();
    entry.set_outcome(outcome);
    entry.set_pages(pages);
  }

  std::string Written(OutputFormat format, bool dry_run = false) {
    return Run(format,
               [&](const Session& session) {
                 PageOutOutput output(session, 4096, dry_run);
                 for (const v1::PageOutExtent& extent : extents_) {
                   EXPECT_TRUE(output.Write(*total_.process, extent));
                 }
                 output.Finish(total_);
                 return ExitCode::kDone;
               })
        .out;
  }

  std::vector<v1::PageOutExtent> extents_;
  PageOutTotal total_;
};

TEST_F(PageOutOutputTest, WritesLinesForPrograms) {
  Add(0x7f1200000000, 5, v1::PAGE_OUT_OUTCOME_PAGED_OUT);
  Add(0x7f1200005000, 2, v1::PAGE_OUT_OUTCOME_NOT_IN_PAGE_TABLE);
  EXPECT_EQ(
      Written(OutputFormat::kJsonLines),
      R"({"pid":123,"start_time_ticks":5523,"start":"0x7f1200000000","end":"0x7f1200005000",)"
      R"("pages":5,"outcome":"paged_out"})"
      "\n"
      R"({"pid":123,"start_time_ticks":5523,"start":"0x7f1200005000","end":"0x7f1200007000",)"
      R"("pages":2,"outcome":"not_in_page_table"})"
      "\n"
      R"({"pid":123,"start_time_ticks":5523,"dry_run":false,"asked":7,"attempted":7,"achieved":5,)"
      R"("outcomes":{"paged_out":5,"not_in_page_table":2},"mappings_changed":false})"
      "\n");
  EXPECT_EQ(Written(OutputFormat::kCsv),
            "pid,start_time_ticks,start,end,pages,outcome\n"
            "123,5523,0x7f1200000000,0x7f1200005000,5,paged_out\n"
            "123,5523,0x7f1200005000,0x7f1200007000,2,not_in_page_table\n");
}

TEST_F(PageOutOutputTest, WritesOneDocument) {
  for (const size_t extents : {0u, 1u, 2u}) {
    const std::string text = Written(OutputFormat::kJson, /*dry_run=*/true);
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(json.is_object()) << text;
    EXPECT_EQ(json["pid"], 123);
    EXPECT_EQ(json["start_time_ticks"], 5523);
    EXPECT_EQ(json["dry_run"], true);
    EXPECT_EQ(json["asked"], extents);
    EXPECT_EQ(json["attempted"], 7);
    EXPECT_EQ(json["achieved"], 5);
    EXPECT_EQ(json["mappings_changed"], false);
    EXPECT_TRUE(json["outcomes"].is_object());
    ASSERT_EQ(json["extents"].size(), extents);
    if (extents > 0) {
      EXPECT_EQ(json["extents"][0],
                (nlohmann::json{
                    {"start", "0x1000"}, {"end", "0x2000"}, {"pages", 1}, {"outcome", "shared"}}));
      EXPECT_EQ(json["outcomes"], (nlohmann::json{{"shared", extents}}));
    }
    Add(0x1000, 1, v1::PAGE_OUT_OUTCOME_SHARED);
  }
}

TEST_F(PageOutOutputTest, WritesNothingOfAProcessThatWasNotFound) {
  total_.process.reset();
  for (const OutputFormat format :
       {OutputFormat::kTable, OutputFormat::kJson, OutputFormat::kJsonLines, OutputFormat::kCsv}) {
    EXPECT_EQ(Written(format), "");
  }
}

TEST_F(PageOutOutputTest, ATableSaysWhatStoodInTheWayAndWhere) {
  Add(0x1000, 5, v1::PAGE_OUT_OUTCOME_PAGED_OUT);
  Add(0x6000, 1, v1::PAGE_OUT_OUTCOME_SHARED);
  Add(0x7000, 1, v1::PAGE_OUT_OUTCOME_LOCKED);
  EXPECT_EQ(Written(OutputFormat::kTable),
            "PAGES  SIZE  OF PROCESS 123\n"
            "    7   28K  asked for\n"
            "    7   28K  attempted\n"
            "    5   20K  achieved\n"
            "\n"
            "PAGES  SIZE  OUTCOME                                     WHERE\n"
            "    5   20K  paged out\n"
            "    1    4K  kept in RAM: mapped by another process too  6000-7000\n"
            "    1    4K  kept in RAM: locked (mlock)                 7000-8000\n");
}

TEST_F(PageOutOutputTest, ATableShowsTheFirstRangesAndCountsTheOthers) {
  for (uint64_t i = 0; i < 5; ++i) Add(0x10000 * (i + 1), 1, v1::PAGE_OUT_OUTCOME_KEPT);
  EXPECT_THAT(Written(OutputFormat::kTable),
              HasSubstr("  10000-11000, 20000-21000, 30000-31000, and 2 more\n"));
}

// Messages end somewhere; that is not of interest.
TEST_F(PageOutOutputTest, ATableJoinsRangesThatGoOn) {
  Add(0x1000, 2, v1::PAGE_OUT_OUTCOME_KEPT);
  Add(0x3000, 2, v1::PAGE_OUT_OUTCOME_KEPT);
  EXPECT_THAT(Written(OutputFormat::kTable), HasSubstr("  1000-5000\n"));
  Add(0x10000, 1, v1::PAGE_OUT_OUTCOME_KEPT);
  Add(0x20000, 1, v1::PAGE_OUT_OUTCOME_KEPT);
  Add(0x30000, 1, v1::PAGE_OUT_OUTCOME_KEPT);
  Add(0x31000, 1, v1::PAGE_OUT_OUTCOME_KEPT);
  EXPECT_THAT(Written(OutputFormat::kTable),
              HasSubstr("  1000-5000, 10000-11000, 20000-21000, and 1 more\n"));
}

}  // namespace
}  // namespace pagemapd
