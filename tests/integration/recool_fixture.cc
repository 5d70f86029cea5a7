#include "tests/integration/recool_fixture.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tests/testing/oracle.h"

namespace pagemapd {

RecordingFile::RecordingFile(absl::string_view text) : fd_(memfd_create("recording", MFD_CLOEXEC)) {
  Append(text);
}

void RecordingFile::Append(absl::string_view text) const {
  EXPECT_EQ(write(fd_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

std::string RecordingFile::path() const {
  return absl::StrCat("/proc/", getpid(), "/fd/", fd_.get());
}

void RecoolTest::SetUp() {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(uint64_t{512} << 20);
  ASSERT_TRUE(device.ok()) << device.status();
  device_.emplace(*std::move(device));
  PageOutTest::SetUp();
}

std::vector<PageRun> RecoolTest::ColdRuns() {
  std::mt19937_64 lots(7);
  std::vector<PageRun> runs;
  for (uint64_t next = lots() % 8; next < kPages;) {
    const uint64_t pages = std::min<uint64_t>(1 + lots() % 16, kPages - next);
    runs.push_back({next, pages});
    next += pages + 1 + lots() % 16;
  }
  return runs;
}

uint64_t RecoolTest::PagesIn(const std::vector<PageRun>& runs) {
  uint64_t pages = 0;
  for (const PageRun& run : runs) pages += run.pages;
  return pages;
}

CtlResult RecoolTest::Ctl(const std::vector<std::string>& args) const {
  absl::StatusOr<CtlResult> result = RunCtl(daemon_->address(), args);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : CtlResult();
}

CtlResult RecoolTest::From(const std::string& path, const std::vector<std::string>& more) const {
  std::vector<std::string> args = {"pageout", Pid(), "--from", path, "-o", "jsonl"};
  args.insert(args.end(), more.begin(), more.end());
  return Ctl(args);
}

std::string RecoolTest::Pid() const { return absl::StrCat(target_->pid()); }

std::string RecoolTest::RangeOf(const MemoryRegion& region) {
  return absl::StrFormat("%x-%x", region.address, region.address + region.pages * kPageBytes);
}

std::string RecoolTest::Record(const MemoryRegion& region) const {
  const CtlResult result =
      Ctl({"pages", Pid(), "--range", RangeOf(region), "--state", "swapped", "-o", "jsonl"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out, "");
  return result.out;
}

MemoryRegion RecoolTest::Warmed(MemoryKind kind, std::string* recording) {
  MemoryRegion region = Written(kind, kPages);
  absl::Status out = PageOutRuns(*target_, region.address, ColdRuns());
  EXPECT_TRUE(out.ok()) << out;
  *recording = Record(region);
  Warm(region);
  return region;
}

void RecoolTest::Warm(const MemoryRegion& region) const {
  const PageRun all = {0, region.pages};
  absl::Status read = target_->Read(region.address, {&all, 1});
  EXPECT_TRUE(read.ok()) << read;
}

std::vector<uint64_t> RecoolTest::Swapped(const MemoryRegion& region) const {
  absl::StatusOr<std::vector<TruePage>> truth =
      TruthOf(target_->pid(), region, /*object_view=*/false);
  EXPECT_TRUE(truth.ok()) << truth.status();
  std::vector<uint64_t> swapped;
  for (uint64_t i = 0; truth.ok() && i < truth->size(); ++i) {
    if ((*truth)[i].state == TrueState::kSwapped) swapped.push_back(i);
  }
  return swapped;
}

void RecoolTest::ExpectSwapped(const MemoryRegion& region, const std::vector<PageRun>& runs,
                               const std::function<void()>& act) {
  std::vector<uint64_t> wanted;
  for (const PageRun& run : runs) {
    for (uint64_t i = 0; i < run.pages; ++i) wanted.push_back(run.first + i);
  }
  std::vector<uint64_t> swapped;
  for (int round = 0; round < 5; ++round) {
    Warm(region);
    act();
    if (HasFailure()) return;
    swapped = Swapped(region);
    if (swapped == wanted) return;
  }
  EXPECT_EQ(swapped, wanted);
}

nlohmann::json RecoolTest::Summary(const CtlResult& result) {
  const std::vector<std::string> lines = absl::StrSplit(result.out, '\n', absl::SkipEmpty());
  if (lines.empty()) return nlohmann::json::object();
  auto json = nlohmann::json::parse(lines.back(), nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(json.is_object()) << lines.back();
  return json;
}

uint64_t RecoolTest::OutcomePages(const CtlResult& result, const char* outcome) {
  const nlohmann::json summary = Summary(result);
  return summary.contains("outcomes") ? summary["outcomes"].value(outcome, 0) : 0;
}

}  // namespace pagemapd
