// What a recording that `pageout --from` is given may be: of another process, cut off, mixed with
// junk, in disorder, a million lines long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/integration/recool_fixture.h"
#include "tests/testing/oracle.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;

using RecordingTest = RecoolTest;

TEST_F(RecordingTest, ARecordingOfAnotherProcessIsRefused) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  const RecordingFile file(recording);
  absl::StatusOr<TargetProcess> other = TargetProcess::Start();
  ASSERT_TRUE(other.ok()) << other.status();
  ExpectSwapped(region, {}, [&] {
    const CtlResult result = Ctl({"pageout", absl::StrCat(other->pid()), "--from", file.path()});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, absl::StrCat("pagemapctl: ", file.path(), ":1: pid is ", Pid(), ", not ",
                                       other->pid(), "\n"));
  });
}

TEST_F(RecordingTest, ARecordingOfAnotherProcessOfThatPidIsRefused) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  const size_t begin = recording.find("\"start_time_ticks\":") + strlen("\"start_time_ticks\":");
  const std::string start_time = recording.substr(begin, recording.find(',', begin) - begin);
  const std::string other = absl::StrCat(std::stoull(start_time) - 1);
  const std::string edited = absl::StrReplaceAll(
      recording, {{"\"start_time_ticks\":" + start_time, "\"start_time_ticks\":" + other}});
  const RecordingFile file(edited);
  ExpectSwapped(region, {}, [&] {
    const CtlResult result = From(file.path());
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("another process: it did not start at tick " + other));
  });
  // One line of another start time among the others is enough.
  const RecordingFile mixed(recording + edited.substr(0, edited.find('\n') + 1));
  ExpectSwapped(region, {}, [&] {
    const CtlResult result = From(mixed.path());
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr(absl::StrCat("start_time_ticks is ", other, ", not ",
                                                   start_time, " as in the lines before")));
  });
}

TEST_F(RecordingTest, AProcessThatIsGoneIsNamed) {
  std::string recording;
  Warmed(MemoryKind::kMemfd, &recording);
  const RecordingFile file(recording);
  const std::string pid = Pid();
  target_->Kill();
  const CtlResult result = Ctl({"pageout", pid, "--from", file.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr(pid));
}

TEST_F(RecordingTest, ACutRecordingIsDoneAsFarAsItGoes) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  const std::vector<std::string> lines = absl::StrSplit(recording, '\n', absl::SkipEmpty());
  ASSERT_GT(lines.size(), 20u);
  // In the middle of line 11.
  const std::string whole =
      absl::StrJoin(std::vector<std::string>(lines.begin(), lines.begin() + 10), "\n");
  const RecordingFile file(absl::StrCat(whole, "\n", lines[10].substr(0, lines[10].size() / 2)));
  std::vector<PageRun> runs;
  for (size_t i = 0; i < 10; ++i) {
    const auto line = nlohmann::json::parse(lines[i]);
    const uint64_t start = std::stoull(line["start"].get<std::string>(), nullptr, 16);
    runs.push_back({(start - region.address) / kPageBytes, line["pages"].get<uint64_t>()});
  }
  ExpectSwapped(region, runs, [&] {
    const CtlResult result = From(file.path());
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr(absl::StrCat(file.path(), ":11: is not JSON, or cut off")));
  });
}

TEST_F(RecordingTest, JunkBetweenTheLinesIsPassedOver) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  std::string text =
      "\x7f"
      "ELF\n";
  int n = 0;
  for (const absl::string_view line : absl::StrSplit(recording, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&text, line, "\n");
    if (++n % 20 == 0) absl::StrAppend(&text, "{\"pid\":", Pid(), ",\"pages\":-1}\n");
    if (n == 30) absl::StrAppend(&text, std::string(100'000, '['), "\n");
  }
  const RecordingFile file(text);
  ExpectSwapped(region, ColdRuns(), [&] {
    const CtlResult result = From(file.path());
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr(":1: is not JSON"));
    EXPECT_THAT(result.err, HasSubstr(":22: pages is -1, not a whole number"));
    EXPECT_THAT(result.err, HasSubstr(":33: is longer than 65536 bytes"));
  });
}

TEST_F(RecordingTest, LinesMayOverlapAndComeInAnyOrder) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  std::vector<std::string> lines = absl::StrSplit(recording, '\n', absl::SkipEmpty());
  // Each a second time, and its first page a third time.
  for (size_t i = 0, n = lines.size(); i < n; ++i) {
    auto line = nlohmann::json::parse(lines[i]);
    lines.push_back(lines[i]);
    const uint64_t start = std::stoull(line["start"].get<std::string>(), nullptr, 16);
    line["end"] = absl::StrFormat("0x%x", start + kPageBytes);
    line["pages"] = 1;
    lines.push_back(line.dump());
  }
  std::shuffle(lines.begin(), lines.end(), std::mt19937_64(11));
  const RecordingFile file(absl::StrJoin(lines, "\n"));
  ExpectSwapped(region, ColdRuns(), [&] {
    const CtlResult result = From(file.path());
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(Summary(result)["asked"], PagesIn(ColdRuns()));
  });
}

// A million lines, nearly all of them of holes; 1000 pages are there. Neither program keeps them.
TEST_F(RecordingTest, AMillionLinesTakeNoMemory) {
  constexpr uint64_t kLines = 1'000'000;
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, 2 * kLines);
  ASSERT_TRUE(region.ok()) << region.status();
  std::vector<PageRun> runs;
  for (uint64_t i = 0; i < 1000; ++i) runs.push_back({i * 2000, 1});
  absl::Status written = target_->Write(region->address, runs);
  ASSERT_TRUE(written.ok()) << written;

  const CtlResult one =
      Ctl({"pages", Pid(), "--range",
           absl::StrFormat("%x-%x", region->address, region->address + kPageBytes), "-o", "jsonl"});
  const auto line = nlohmann::json::parse(one.out);
  const RecordingFile file("");
  std::string text;
  for (uint64_t i = 0; i < kLines; ++i) {
    const uint64_t start = region->address + 2 * i * kPageBytes;
    absl::StrAppendFormat(&text,
                          "{\"pid\":%s,\"start_time_ticks\":%d,\"start\":\"0x%x\",\"end\":\"0x%x\","
                          "\"pages\":1,\"state\":\"swapped\",\"object\":\"%s\",\"index\":%d}\n",
                          Pid(), line["start_time_ticks"].get<uint64_t>(), start,
                          start + kPageBytes, line["object"].get<std::string>(),
                          line["index"].get<uint64_t>() + 2 * i);
    if (text.size() < 1 << 20) continue;
    file.Append(text);
    text.clear();
  }
  file.Append(text);

  // As a table, since jsonl would be a million lines for this test to keep.
  const CtlResult result = Ctl({"pageout", Pid(), "--from", file.path(), "-n"});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  const std::vector<std::string> fields =
      absl::StrSplit(result.out.substr(0, result.out.find('\n')), ' ', absl::SkipEmpty());
  ASSERT_EQ(fields.size(), 4u) << result.out;
  EXPECT_EQ(fields[0], absl::StrCat(kLines)) << result.out;
  for (const PageRun& run : runs) {
    absl::StatusOr<std::vector<uint64_t>> entry =
        ReadPagemap(target_->pid(), region->address + run.first * kPageBytes, 1);
    ASSERT_TRUE(entry.ok()) << entry.status();
    ASSERT_EQ((*entry)[0] >> 63, 0u) << run.first;
  }
  // Of all that ran and ended, pagemapctl is the largest.
  rusage usage;
  ASSERT_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
  EXPECT_LT(usage.ru_maxrss, 100 << 10);
  absl::StatusOr<uint64_t> rss = daemon_->RssBytes();
  ASSERT_TRUE(rss.ok()) << rss.status();
  EXPECT_LT(*rss, uint64_t{200} << 20);
}

TEST_F(RecordingTest, LinesOfAllStatesAreNoHarm) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  absl::Status out = PageOutRuns(*target_, region.address, ColdRuns());
  ASSERT_TRUE(out.ok()) << out;
  const CtlResult all = Ctl({"pages", Pid(), "--range", RangeOf(region), "-o", "jsonl"});
  const RecordingFile file(all.out);
  ExpectSwapped(region, ColdRuns(), [&] {
    const CtlResult result = From(file.path());
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("are of pages that were not swapped, and were passed over"));
  });
}

TEST_F(RecordingTest, OffsetsIntoAnObjectAreRefused) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  const CtlResult object =
      Ctl({"pages", Pid(), "--object", absl::StrFormat("%x", region.address), "-o", "jsonl"});
  const RecordingFile file(recording + object.out);
  ExpectSwapped(region, {}, [&] {
    const CtlResult result = From(file.path());
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("is of `pages --object`"));
  });
}

}  // namespace
}  // namespace pagemapd
