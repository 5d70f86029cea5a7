#include "cli/pageout/recording.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command_fixture.h"
#include "cli/pageout/line_input.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Line(uint64_t start, uint64_t pages, const char* state = "swapped", int pid = 123,
                 uint64_t start_time = 5523, const char* more = "") {
  return absl::StrFormat(
      "{\"pid\":%d,\"start_time_ticks\":%d,\"start\":\"0x%x\",\"end\":\"0x%x\",\"pages\":%d,"
      "\"state\":\"%s\"%s}\n",
      pid, start_time, start, start + pages * 4096, pages, state, more);
}

class RecordingTest : public CommandTest {
 protected:
  RecordingTest() {
    v1::PageOutResponse response;
    response.mutable_process()->set_pid(123);
    response.mutable_process()->set_start_time_ticks(5523);
    auto& entry = *response.mutable_counts()->add_outcomes();
    entry.set_outcome(v1::PAGE_OUT_OUTCOME_PAGED_OUT);
    entry.set_pages(1);
    response.mutable_end();
    service_.page_outs = {{response}};
  }

  Result PageOut(const std::string& recording) {
    service_.page_out_requests.clear();
    const int fd = memfd_create("recording", MFD_CLOEXEC);
    EXPECT_EQ(pwrite(fd, recording.data(), recording.size(), 0),
              static_cast<ssize_t>(recording.size()));
    const Result result = Run(OutputFormat::kJsonLines, [&](const Session& session) {
      return PageOutRecording(session, service_.capabilities, 123, {}, fd, "cold.jsonl");
    });
    close(fd);
    return result;
  }

  // START-END of all requests.
  std::vector<std::string> Asked() const {
    std::vector<std::string> asked;
    for (const v1::PageOutRequest& request : service_.page_out_requests) {
      for (const v1::PageOutRange& range : request.ranges()) {
        asked.push_back(absl::StrFormat("%x-%x", range.range().start(), range.range().end()));
      }
    }
    return asked;
  }
};

TEST_F(RecordingTest, AsksForWhatWasSwappedOfTheRecordedProcess) {
  const Result result = PageOut(Line(0x1000, 1) + Line(0x3000, 2));
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_EQ(result.error, "");
  EXPECT_THAT(Asked(), ElementsAre("1000-2000", "3000-5000"));
  ASSERT_EQ(service_.page_out_requests.size(), 1u);
  EXPECT_EQ(service_.page_out_requests[0].process().pid(), 123);
  EXPECT_EQ(service_.page_out_requests[0].process().start_time_ticks(), 5523u);
  EXPECT_TRUE(service_.page_out_requests[0].ranges(0).has_expected());
}

TEST_F(RecordingTest, JoinsLinesThatGoOn) {
  const auto of = [](uint64_t start, int index, int inode) {
    return Line(start, 1, "swapped", 123, 5523,
                absl::StrCat(",\"object\":\"00:01:", inode, "\",\"index\":", index).c_str());
  };
  PageOut(Line(0x1000, 1) + Line(0x2000, 2) + of(0x4000, 4, 7) + of(0x5000, 5, 7) +
          of(0x6000, 9, 7) + of(0x7000, 10, 8));
  EXPECT_THAT(Asked(), ElementsAre("1000-4000", "4000-6000", "6000-7000", "7000-8000"));
}

TEST_F(RecordingTest, MakesCallsAsTheLinesCome) {
  std::string text;
  for (uint64_t i = 0; i < 100; ++i) text += Line(0x2000 * (i + 1), 1);
  EXPECT_EQ(PageOut(text).code, ExitCode::kDone);
  ASSERT_EQ(service_.page_out_requests.size(), 7u);
  EXPECT_EQ(Asked().size(), 100u);
  EXPECT_EQ(service_.page_out_requests.back().ranges_size(), 4);
}

TEST_F(RecordingTest, TakesLinesInAnyOrder) {
  EXPECT_EQ(PageOut(Line(0x5000, 2) + Line(0x1000, 4) + Line(0x3000, 3)).code, ExitCode::kDone);
  EXPECT_THAT(Asked(), ElementsAre("5000-7000", "1000-5000", "3000-6000"));
}

TEST_F(RecordingTest, PassesOverOtherStatesAndSaysSo) {
  const Result result = PageOut(Line(0x1000, 1) + Line(0x2000, 1, "mapped") + "\n \n" +
                                Line(0x3000, 1, "hole") + Line(0x4000, 1));
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_THAT(Asked(), ElementsAre("1000-2000", "4000-5000"));
  EXPECT_THAT(result.error, HasSubstr("note: 2 lines of cold.jsonl are of pages that were not"));
}

TEST_F(RecordingTest, DoesNothingForAnotherProcess) {
  for (const std::string& before : {std::string(), Line(0x1000, 1)}) {
    const Result result = PageOut(before + Line(0x5000, 1, "swapped", 456) + Line(0x9000, 1));
    EXPECT_EQ(result.code, ExitCode::kFailed);
    EXPECT_THAT(Asked(), IsEmpty());
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.error, absl::StrCat("pagemapctl: cold.jsonl:", before.empty() ? 1 : 2,
                                         ": pid is 456, not 123\n"));
  }
}

TEST_F(RecordingTest, DoesNothingForTwoProcessesOfOnePid) {
  const Result result = PageOut(Line(0x1000, 1) + Line(0x3000, 1, "mapped", 123, 99));
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_THAT(Asked(), IsEmpty());
  EXPECT_THAT(result.error, HasSubstr("cold.jsonl:2: start_time_ticks is 99, not 5523 as"));
}

TEST_F(RecordingTest, StopsWhereALineOfAnotherProcessComes) {
  std::string text;
  for (uint64_t i = 0; i < 20; ++i) text += Line(0x2000 * (i + 1), 1);
  const Result result = PageOut(text + Line(0x100000, 1, "swapped", 456) + Line(0x200000, 1));
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(Asked().size(), 16u);
  EXPECT_THAT(result.error, HasSubstr("cold.jsonl:21: pid is 456, not 123"));
}

TEST_F(RecordingTest, DoesNothingForOffsetsIntoAnObject) {
  const Result result = PageOut(Line(0x1000, 1) + "{\"object_start\":\"0x0\"}\n");
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_THAT(Asked(), IsEmpty());
  EXPECT_THAT(result.error, HasSubstr("cold.jsonl:2: is of `pages --object`"));
}

TEST_F(RecordingTest, GoesOnAfterJunk) {
  const Result result = PageOut("junk\n" + Line(0x1000, 1) + std::string(1 << 20, '{') + "\n" +
                                Line(0x3000, 1) + "{\"pid\":1");
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_THAT(Asked(), ElementsAre("1000-2000", "3000-4000"));
  EXPECT_THAT(result.error, HasSubstr("cold.jsonl:1: is not JSON, or cut off, at byte 1\n"));
  EXPECT_THAT(result.error, HasSubstr("cold.jsonl:3: is longer than 65536 bytes\n"));
  EXPECT_THAT(result.error, HasSubstr("cold.jsonl:5: is not JSON, or cut off, at byte 9\n"));
}

TEST_F(RecordingTest, ComplainsOfTenLinesAndCountsTheOthers) {
  std::string text;
  for (int i = 0; i < 15; ++i) text += "junk\n";
  EXPECT_THAT(PageOut(text + Line(0x1000, 1)).error, HasSubstr("cold.jsonl: 5 more lines are not"));
  const Result result = PageOut(text + Line(0x1000, 1));
  EXPECT_THAT(result.error, HasSubstr("cold.jsonl:10: "));
  EXPECT_THAT(result.error, Not(HasSubstr("cold.jsonl:11: ")));
}

TEST_F(RecordingTest, OfNothingThereIsNothingToDo) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("junk\n"), Line(0x1000, 1, "mapped")}) {
    const Result result = PageOut(text);
    EXPECT_EQ(result.code, text == "junk\n" ? ExitCode::kFailed : ExitCode::kDone) << text;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(Asked(), IsEmpty());
    EXPECT_THAT(result.error, HasSubstr("cold.jsonl has no line of swapped pages"));
  }
}

TEST_F(RecordingTest, ReadsNoFurtherOnceTheProcessFails) {
  v1::TargetError& error = *service_.page_outs[0][0].mutable_end()->mutable_error();
  error.set_reason(v1::ERROR_REASON_PROCESS_REPLACED);
  error.set_message("process 123 started at 1");
  service_.page_outs[0][0].clear_counts();
  std::string text;
  for (uint64_t i = 0; i < 40; ++i) text += Line(0x2000 * (i + 1), 1);
  const Result result = PageOut(text + "junk\n");
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(service_.page_out_requests.size(), 1u);
  EXPECT_THAT(result.error, HasSubstr("process 123 started at 1"));
  EXPECT_THAT(result.error, Not(HasSubstr("junk")));
}

TEST_F(RecordingTest, ARecordingOfAnotherProcessCanBeRelocated) {
  const auto relocated = [&](const std::string& text) {
    service_.page_out_requests.clear();
    const int fd = memfd_create("recording", MFD_CLOEXEC);
    EXPECT_EQ(pwrite(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    const Result result = Run(OutputFormat::kJsonLines, [&](const Session& session) {
      v1::ProcessRef process;
      process.set_pid(900);
      process.set_start_time_ticks(77);
      return PageOutRelocated(
          session, service_.capabilities, process, {}, fd, "cold.jsonl",
          [](const RecordedExtent& extent) -> absl::StatusOr<std::vector<v1::PageOutRange>> {
            v1::PageOutRange range = extent.range;
            if (range.range().start() == 0x5000) return absl::NotFoundError("is nowhere now");
            range.mutable_range()->set_start(range.range().start() + 0x100000);
            range.mutable_range()->set_end(range.range().end() + 0x100000);
            return std::vector<v1::PageOutRange>{range};
          });
    });
    close(fd);
    return result;
  };
  Result result = relocated(Line(0x1000, 1) + Line(0x2000, 1) + Line(0x9000, 1));
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_EQ(result.error, "");
  EXPECT_THAT(Asked(), ElementsAre("101000-103000", "109000-10a000"));
  EXPECT_EQ(service_.page_out_requests[0].process().pid(), 900);
  EXPECT_EQ(service_.page_out_requests[0].process().start_time_ticks(), 77u);

  result = relocated(Line(0x1000, 1) + Line(0x5000, 1));
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(result.error, "pagemapctl: cold.jsonl:2: is nowhere now\n");
  EXPECT_THAT(Asked(), ElementsAre("101000-102000"));

  result = relocated(Line(0x1000, 1) + Line(0x3000, 1, "swapped", 124));
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(result.error, "pagemapctl: cold.jsonl:2: pid is 124, not 123 as in the lines before\n");
  EXPECT_THAT(Asked(), IsEmpty());
}

TEST_F(RecordingTest, SaysWhyItCannotRead) {
  const Result result = Run(OutputFormat::kTable, [&](const Session& session) {
    return PageOutRecording(session, service_.capabilities, 123, {}, -1, "cold.jsonl");
  });
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_THAT(result.error, HasSubstr("cannot read cold.jsonl: Bad file descriptor"));
}

}  // namespace
}  // namespace pagemapd
