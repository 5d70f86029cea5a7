// The re-cool: what `pages` recorded as swapped is paged out again by `pageout --from`, that and
// nothing else; and `pageout` without a recording.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/integration/recool_fixture.h"
#include "tests/testing/runfile.h"
#include "tests/testing/subprocess.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(RecoolTest, PagesOutTheRecordedPagesAndNoOthers) {
  for (const MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kSharedAnon,
                                MemoryKind::kPrivateAnon, MemoryKind::kPrivateMemfd}) {
    SCOPED_TRACE(Name(kind));
    std::string recording;
    const MemoryRegion region = Warmed(kind, &recording);
    const RecordingFile file(recording);
    CtlResult result;
    ExpectSwapped(region, ColdRuns(), [&] {
      result = From(file.path());
      EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    });
    EXPECT_EQ(result.err, "");
    const nlohmann::json summary = Summary(result);
    EXPECT_EQ(summary["pid"], target_->pid());
    EXPECT_EQ(summary["asked"], PagesIn(ColdRuns()));
    EXPECT_EQ(summary["achieved"], summary["attempted"]);
    absl::Status written = CheckWritten(target_->pid(), region, {{0, kPages}});
    EXPECT_TRUE(written.ok()) << written;
  }
}

TEST_F(RecoolTest, PipesFromPagesToPageout) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  // What is swapped in a moment, the middle of the region, is what `pages` tells.
  const std::vector<PageRun> middle = {{1000, 50}};
  ExpectSwapped(region, middle, [&] {
    absl::Status out = PageOutRuns(*target_, region.address, middle);
    ASSERT_TRUE(out.ok()) << out;
    const std::string ctl = absl::StrCat(Runfile("cli/pagemapctl"), " -a ", daemon_->address());
    const std::string pipe = absl::StrCat(ctl, " pages ", Pid(), " --range ", RangeOf(region),
                                          " --state swapped -o jsonl | ", ctl, " pageout ", Pid(),
                                          " --from - > /dev/null");
    Subprocess::Options options;
    options.argv = {"/bin/sh", "-c", pipe};
    absl::StatusOr<Subprocess> shell = Subprocess::Start(options);
    ASSERT_TRUE(shell.ok()) << shell.status();
    absl::StatusOr<int> status = shell->Wait(absl::Minutes(1));
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 0) << pipe << ": " << *status;
  });
}

TEST_F(RecoolTest, ADryRunChangesNothing) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  const RecordingFile file(recording);
  ExpectSwapped(region, {}, [&] {
    const CtlResult result = From(file.path(), {"--dry-run"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(Summary(result)["dry_run"], true);
    EXPECT_EQ(Summary(result)["attempted"], 0);
    EXPECT_EQ(OutcomePages(result, "would_page_out") + OutcomePages(result, "already_swapped"),
              PagesIn(ColdRuns()));
  });
}

TEST_F(RecoolTest, WhatIsMappedThereNowIsLeftAlone) {
  std::string recording;
  const MemoryRegion region = Warmed(MemoryKind::kMemfd, &recording);
  const RecordingFile file(recording);
  // A quarter of the addresses gets private memory, another the same object from elsewhere on.
  constexpr uint64_t kQuarter = kPages / 4;
  constexpr uint64_t kBytes = kQuarter * kPageBytes;
  constexpr int kReadWrite = PROT_READ | PROT_WRITE;
  absl::StatusOr<int64_t> mapped = target_->Syscall(
      SYS_mmap, {region.address, kBytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 static_cast<uint64_t>(-1), 0});
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  mapped = target_->Syscall(SYS_mremap, {region.address + 2 * kBytes, kBytes, kBytes,
                                         MREMAP_MAYMOVE | MREMAP_FIXED, region.address + kBytes});
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  MemoryRegion replaced;
  replaced.kind = MemoryKind::kPrivateAnon;
  replaced.backing = Backing::kNone;
  replaced.address = region.address;
  replaced.pages = kQuarter;
  const PageRun all = {0, kQuarter};
  absl::Status written = target_->Write(replaced.address, {&all, 1});
  ASSERT_TRUE(written.ok()) << written;

  CtlResult result;
  ExpectSwapped(replaced, {}, [&] {
    result = From(file.path());
    EXPECT_EQ(result.exit_code, 3) << result.out << result.err;
  });
  // Where nothing is mapped now, the mapping changed as well.
  uint64_t changed = 0;
  for (const PageRun& run : ColdRuns()) {
    for (uint64_t i = run.first; i < run.first + run.pages; ++i) changed += i < 3 * kQuarter;
  }
  EXPECT_EQ(OutcomePages(result, "mapping_changed"), changed) << result.out;
  EXPECT_THAT(result.err, HasSubstr(absl::StrCat(changed, " mapping_changed")));
  written = CheckWritten(target_->pid(), replaced, {{0, kQuarter}});
  EXPECT_TRUE(written.ok()) << written;
}

TEST_F(RecoolTest, RangesAndMappingsGoWithoutARecording) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
  const std::string half =
      absl::StrFormat("%x-%x", region.address, region.address + kPages / 2 * kPageBytes);
  ExpectSwapped(region, {{0, kPages / 2}}, [&] {
    const CtlResult result = Ctl({"pageout", Pid(), "--range", half});
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    EXPECT_THAT(result.out, HasSubstr("paged out"));
  });
  ExpectSwapped(region, {{0, kPages}}, [&] {
    const CtlResult result = Ctl({"pageout", Pid(), "--mapping", "/memfd:*", "--rate", "1000000"});
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  });
  // Of a whole process there is always something that cannot go.
  const CtlResult all = Ctl({"pageout", Pid(), "--mapping", "*", "--dry-run"});
  EXPECT_EQ(all.exit_code, 3) << all.out << all.err;
  EXPECT_THAT(all.out, HasSubstr("memory of the kernel or of a device"));
  EXPECT_THAT(all.out, Not(HasSubstr("this program does not know")));
}

TEST_F(RecoolTest, TheFormatsAgree) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 64);
  const auto pageout = [&](const char* format) {
    return Ctl({"pageout", Pid(), "--range", RangeOf(region), "--dry-run", "-o", format});
  };
  const auto document = nlohmann::json::parse(pageout("json").out, nullptr, false);
  ASSERT_TRUE(document.is_object());
  EXPECT_EQ(document["asked"], 64);
  uint64_t next = region.address;
  for (const auto& extent : document["extents"]) {
    EXPECT_EQ(extent["start"], absl::StrFormat("0x%x", next));
    next += extent["pages"].get<uint64_t>() * kPageBytes;
    EXPECT_EQ(extent["end"], absl::StrFormat("0x%x", next));
  }
  EXPECT_EQ(next, region.address + region.pages * kPageBytes);
  const std::string csv = pageout("csv").out;
  EXPECT_GE(std::count(csv.begin(), csv.end(), '\n'), 2) << csv;
  EXPECT_THAT(csv, HasSubstr(absl::StrFormat(",0x%x,", region.address)));
}

TEST_F(RecoolTest, IdlePagesAreForKernelsThatTrackThem) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 64);
  v1::GetCapabilitiesResponse capabilities;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->GetCapabilities(&context, {}, &capabilities).ok());
  ExpectSwapped(region, {}, [&] {
    const CtlResult result = Ctl({"pageout", Pid(), "--range", RangeOf(region), "--if-idle"});
    if (capabilities.kernel_features().idle_pages()) {
      EXPECT_EQ(result.exit_code, 0) << result.err;
      EXPECT_THAT(result.out, HasSubstr("in use, or not looked at before"));
    } else {
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_EQ(result.out, "");
      EXPECT_THAT(result.err, HasSubstr("CONFIG_IDLE_PAGE_TRACKING"));
    }
  });
}

}  // namespace
}  // namespace pagemapd
