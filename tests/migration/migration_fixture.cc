#include "tests/migration/migration_fixture.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tests/integration/page_report.h"
#include "tests/testing/ctl_run.h"

namespace pagemapd {
namespace {

std::vector<TruePage> TruthOf(pid_t pid, const GuestMemory& memory) {
  absl::StatusOr<std::vector<TruePage>> truth = ProcessTruth(
      pid, memory.address(), memory.pages(), Backing::kShmem, memory.fd(), /*first_index=*/0);
  EXPECT_TRUE(truth.ok()) << truth.status();
  return truth.value_or(std::vector<TruePage>(memory.pages()));
}

}  // namespace

void MigrationFixture::SetUp() {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(uint64_t{2} << 30);
  ASSERT_TRUE(device.ok()) << device.status();
  device_.emplace(*std::move(device));
  StartDaemon({});
}

void MigrationFixture::StartDaemon(const std::vector<std::string>& flags) {
  daemon_.reset();
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(flags);
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  daemon_.emplace(*std::move(daemon));
}

void MigrationFixture::StartPair(GuestPair::Guest guest) {
  pair_.reset();
  absl::StatusOr<GuestPair> pair = GuestPair::Start(guest);
  ASSERT_TRUE(pair.ok()) << pair.status();
  pair_.emplace(*std::move(pair));
}

std::string MigrationFixture::source_pid() { return absl::StrCat(pair_->source().pid()); }

std::string MigrationFixture::Ctl(const std::vector<std::string>& args) {
  absl::StatusOr<CtlResult> result = RunCtl(daemon_->address(), args);
  if (!result.ok()) {
    ADD_FAILURE() << result.status();
    return "";
  }
  EXPECT_EQ(result->exit_code, 0) << result->out << result->err;
  return result->out;
}

void MigrationFixture::PageOut(const std::vector<std::string>& args) {
  absl::StatusOr<CtlResult> result = RunCtl(daemon_->address(), args);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->exit_code == 0 || result->exit_code == 3) << result->exit_code << result->err;
  printf("%s%s", result->out.c_str(), result->err.c_str());
}

void MigrationFixture::Cool(uint64_t quarter) {
  const GuestMemory& memory = source_memory();
  std::vector<std::string> args = {"pageout", source_pid()};
  for (uint64_t page = 0; page < memory.pages(); page += 4 * quarter) {
    const uint64_t start = memory.address() + page * kPageBytes;
    args.push_back("--range");
    args.push_back(absl::StrFormat("%x-%x", start, start + 3 * quarter * kPageBytes));
  }
  PageOut(args);
}

std::vector<bool> MigrationFixture::Record(std::vector<std::string> command,
                                           const std::string& path) {
  command.insert(command.end(), {"--state", "swapped", "-o", "jsonl"});
  const std::string lines = Ctl(command);
  FILE* file = fopen(path.c_str(), "w");
  EXPECT_TRUE(file != nullptr && fwrite(lines.data(), 1, lines.size(), file) == lines.size() &&
              fclose(file) == 0);
  std::vector<bool> swapped(source_memory().pages());
  for (absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    absl::StatusOr<PageLine> parsed = ParsePageLine(line);
    if (!parsed.ok() || parsed->index > swapped.size() ||
        parsed->extent.pages() > swapped.size() - parsed->index) {
      ADD_FAILURE() << line;
      continue;
    }
    for (uint64_t i = 0; i < parsed->extent.pages(); ++i) swapped[parsed->index + i] = true;
  }
  return swapped;
}

std::vector<TruePage> MigrationFixture::SourceTruth() {
  return TruthOf(pair_->source().pid(), pair_->source_memory());
}

std::vector<TruePage> MigrationFixture::DestinationTruth() {
  return TruthOf(pair_->destination().pid(), pair_->destination_memory());
}

void MigrationFixture::ExpectGoodMemory() {
  absl::Status rule = pair_->destination_memory().CheckRule();
  EXPECT_TRUE(rule.ok()) << "the destination: " << rule;
  rule = pair_->source_memory().CheckRule();
  EXPECT_TRUE(rule.ok()) << "the source: " << rule;
  absl::Status same = GuestMemory::CheckSame(pair_->source_memory(), pair_->destination_memory());
  EXPECT_TRUE(same.ok()) << same;
}

void ExpectRecooled(const std::vector<bool>& cold, const std::vector<TruePage>& before,
                    const std::vector<TruePage>& after) {
  uint64_t wanted = 0, in_swap = 0, others = 0, untouched = 0;
  for (uint64_t i = 0; i < cold.size(); ++i) {
    if (cold[i]) {
      ++wanted;
      in_swap += after[i].state == TrueState::kSwapped;
    } else if (before[i].state == TrueState::kMapped) {
      ++others;
      untouched += after[i].state == TrueState::kMapped;
    }
  }
  printf("%lu of %lu pages are in swap again; of %lu others mapped %lu still are\n", in_swap,
         wanted, others, untouched);
  EXPECT_GE(in_swap, wanted * 99 / 100);
  EXPECT_GE(untouched, others - Few(others));
}

}  // namespace pagemapd
