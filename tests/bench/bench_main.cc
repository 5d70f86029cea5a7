// What the daemon costs, end to end, as ratios in one run: against a loop over /proc/PID/pagemap,
// against the same memory without holes, and against its bounds on memory. See run.sh.
#include <sys/resource.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/bench/bench_target.h"
#include "tests/bench/comparison.h"
#include "tests/bench/pagemap_loop.h"
#include "tests/bench/report.h"
#include "tests/bench/scan_client.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/page_mix.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kPagesInGiB = kGiB / kPageSizeBytes;
constexpr uint64_t kPages = 4 * kPagesInGiB;
constexpr uint64_t kSeed = 2021;

// The bars that the project sets itself.
constexpr double kExtentsBar = 1.3;
constexpr double kBitmapBar = 1.3;
constexpr double kSummaryBar = 1.2;
constexpr double kPackedBar = 1.6;
constexpr double kSparseBar = 2.0;
constexpr uint64_t kMemoryBar = uint64_t{64} << 20;
constexpr int kScansAtOnce = 16;

// One way to ask the daemon about a target.
struct Ask {
  std::string name;
  // Absent: SummarizePages.
  std::optional<v1::Format> format;
  std::vector<v1::PageField> fields;
  std::optional<double> bar;
};

Ask Extents(std::optional<double> bar) { return {"EXTENTS", v1::FORMAT_EXTENTS, {}, bar}; }
Ask Bitmap(std::optional<double> bar) { return {"BITMAP", v1::FORMAT_BITMAP, {}, bar}; }
Ask Packed(std::optional<double> bar) { return {"PACKED", v1::FORMAT_PACKED, {}, bar}; }
Ask Summary(std::optional<double> bar) { return {"summary", std::nullopt, {}, bar}; }
Ask WithLocations(Ask ask) {
  ask.name += ", locations";
  ask.fields.push_back(v1::PAGE_FIELD_LOCATION);
  return ask;
}
Ask WithEverything(Ask ask) {
  ask.name += ", all fields";
  ask.fields = {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FRAME_FLAGS, v1::PAGE_FIELD_SOURCE};
  return ask;
}

absl::StatusOr<ScanTally> Scan(ScanClient* client, const BenchTarget& target, const Ask& ask,
                               absl::Duration stall = absl::ZeroDuration()) {
  if (!ask.format) return client->SummarizePages(target.pid(), target.range());
  return client->QueryPages({target.pid(), target.range(), *ask.format, ask.fields, stall});
}

// A scan whose answer must have the mapped pages that pagemap showed.
Task ScanTask(ScanClient* client, const BenchTarget* target, Ask ask, uint64_t mapped) {
  return [=]() -> absl::Status {
    absl::StatusOr<ScanTally> tally = Scan(client, *target, ask);
    if (!tally.ok()) return tally.status();
    if (tally->mapped == mapped && tally->told.mapped() == mapped) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("found ", tally->mapped, " mapped pages of ", mapped));
  };
}

Task LoopTask(PagemapLoop* loop, const PageRange& range, uint64_t mapped) {
  return [=]() -> absl::Status {
    absl::StatusOr<PagemapTally> tally = loop->Count(range);
    if (!tally.ok()) return tally.status();
    if (tally->present == mapped) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("found ", tally->present, " of ", mapped));
  };
}

absl::StatusOr<uint64_t> MappedPages(const BenchTarget& target) {
  absl::StatusOr<PagemapLoop> loop = PagemapLoop::Open(target.pid());
  if (!loop.ok()) return loop.status();
  absl::StatusOr<PagemapTally> tally = loop->Count(target.range());
  if (!tally.ok()) return tally.status();
  return tally->present;
}

absl::StatusOr<Comparison> CompareWithLoop(ScanClient* client, const BenchTarget& target,
                                           const Ask& ask, size_t entries_per_read) {
  absl::StatusOr<uint64_t> mapped = MappedPages(target);
  if (!mapped.ok()) return mapped.status();
  absl::StatusOr<PagemapLoop> loop = PagemapLoop::Open(target.pid(), entries_per_read);
  if (!loop.ok()) return loop.status();
  return Compare(LoopTask(&*loop, target.range(), *mapped),
                 ScanTask(client, &target, ask, *mapped));
}

using MakeTarget = std::function<absl::StatusOr<BenchTarget>()>;

void AgainstLoop(const std::string& title, const MakeTarget& make, const std::vector<Ask>& asks,
                 ScanClient* client, Report* report) {
  report->Section(absl::StrCat(title, ": ns a page"), "loop", "ours");
  absl::StatusOr<BenchTarget> target = make();
  for (const Ask& ask : asks) {
    if (!target.ok()) {
      report->NotDone(ask.name, target.status());
      continue;
    }
    absl::StatusOr<Comparison> cost =
        CompareWithLoop(client, *target, ask, PagemapLoop::kBulkEntries);
    if (cost.ok()) {
      report->PerPage(ask.name, *cost, target->range().Pages(), ask.bar);
    } else {
      report->NotDone(ask.name, cost.status());
    }
  }
}

std::vector<PageRun> FirstHalf() { return {{0, kPages / 2}}; }

// `blocks` of `pages` in all, evenly spread over `over` pages.
std::vector<PageRun> Blocks(uint64_t blocks, uint64_t pages, uint64_t over) {
  std::vector<PageRun> runs;
  for (uint64_t i = 0; i < blocks; ++i) runs.push_back({over / blocks * i, pages / blocks});
  return runs;
}

std::vector<PageRun> RunLengthHalf() {
  constexpr PageWish kWishes[] = {PageWish::kUntouched, PageWish::kMapped};
  return RunsOf(MakeMix(Mix::kRunLength, kPages, kWishes, kSeed), {PageWish::kMapped});
}

MakeTarget Written(std::vector<PageRun> runs) {
  return [runs = std::move(runs)] { return BenchTarget::Written(kPages, runs); };
}

// With a swap device of its own, made for the occasion and held by `swap`.
MakeTarget Shaped(std::vector<PageWish> plan, std::optional<SwapDevice>* swap) {
  return [plan = std::move(plan), swap]() -> absl::StatusOr<BenchTarget> {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(plan.size() * kPageSizeBytes);
    if (!device.ok()) return device.status();
    swap->emplace(*std::move(device));
    return BenchTarget::Shaped(plan);
  };
}

void AllAgainstLoop(ScanClient* client, Report* report) {
  const std::vector<Ask> usual = {Extents(kExtentsBar), Bitmap(kBitmapBar), Summary(kSummaryBar),
                                  Packed(std::nullopt), WithLocations(Extents(std::nullopt))};
  AgainstLoop("4 GiB, first half touched", Written(FirstHalf()), usual, client, report);
  AgainstLoop("4 GiB, half touched in runs of 1 to 512 pages", Written(RunLengthHalf()), usual,
              client, report);
  AgainstLoop("4 GiB, all mapped", Written({{0, kPages}}), usual, client, report);
  const std::vector<Ask> worst = {Packed(kPackedBar), WithLocations(Packed(std::nullopt)),
                                  Extents(std::nullopt), Bitmap(std::nullopt),
                                  Summary(std::nullopt)};
  AgainstLoop("4 GiB, every other page mapped, the others holes",
              Written(Blocks(kPages / 2, kPages / 2, kPages)), worst, client, report);
  std::optional<SwapDevice> swap;
  AgainstLoop("4 GiB, every other page mapped, the others swapped",
              Shaped(MakeMix(Mix::kAlternating, kPages, {}, kSeed), &swap), worst, client, report);
  swap.reset();
  constexpr PageWish kAnyState[] = {PageWish::kUntouched, PageWish::kMapped, PageWish::kCached,
                                    PageWish::kSwapped};
  AgainstLoop("1 GiB, every page of a random state",
              Shaped(MakeMix(Mix::kRandom, kPagesInGiB, kAnyState, kSeed), &swap),
              {Packed(std::nullopt), Summary(std::nullopt)}, client, report);
}

// The table of the 2021 linux-mm thread: what a read of one entry costs against batches.
void ByReadSize(ScanClient* client, Report* report) {
  report->Section("4 GiB, first half touched, by entries a pread: ns a page", "loop", "EXTENTS");
  absl::StatusOr<BenchTarget> target = BenchTarget::Written(kPages, FirstHalf());
  for (size_t entries :
       {size_t{1}, size_t{64}, size_t{512}, size_t{1024}, PagemapLoop::kBulkEntries}) {
    const std::string row = absl::StrCat(entries, entries == 1 ? " entry" : " entries");
    if (!target.ok()) {
      report->NotDone(row, target.status());
      continue;
    }
    absl::StatusOr<Comparison> cost =
        CompareWithLoop(client, *target, Extents(std::nullopt), entries);
    if (cost.ok()) {
      report->PerPage(row, *cost, kPages, std::nullopt);
    } else {
      report->NotDone(row, cost.status());
    }
  }
}

void SparseAgainstDense(uint64_t blocks, ScanClient* client, Report* report) {
  constexpr uint64_t kPagesInTiB = 1024 * kPagesInGiB;
  report->Section(absl::StrCat("1 TiB mapped with 1 GiB touched in ", blocks,
                               " blocks, against 1 GiB alone: ms"),
                  "1 GiB", "1 TiB");
  absl::StatusOr<BenchTarget> dense = BenchTarget::Written(kPagesInGiB, {{0, kPagesInGiB}});
  absl::StatusOr<BenchTarget> sparse =
      BenchTarget::Written(kPagesInTiB, Blocks(blocks, kPagesInGiB, kPagesInTiB));
  for (const Ask& ask :
       {Extents(kSparseBar), Bitmap(kSparseBar), Packed(kSparseBar), Summary(kSparseBar)}) {
    const absl::Status made = dense.ok() ? sparse.status() : dense.status();
    absl::StatusOr<Comparison> cost = made.ok()
                                          ? Compare(ScanTask(client, &*dense, ask, kPagesInGiB),
                                                    ScanTask(client, &*sparse, ask, kPagesInGiB))
                                          : made;
    if (cost.ok()) {
      report->PerRun(ask.name, *cost, kSparseBar);
    } else {
      report->NotDone(ask.name, cost.status());
    }
  }
}

// Peak of the daemon's RSS with many scans of the target at once, each on a connection of its own.
absl::StatusOr<uint64_t> PeakRss(const DaemonProcess& daemon, const BenchTarget& target,
                                 const Ask& ask, absl::Duration stall) {
  const std::string proc = absl::StrCat("/proc/", daemon.pid());
  // Resets VmHWM.
  if (absl::Status s = WriteText(proc + "/clear_refs", "5"); !s.ok()) return s;
  std::vector<absl::Status> results(kScansAtOnce);
  std::vector<std::thread> clients;
  for (int i = 0; i < kScansAtOnce; ++i) {
    clients.emplace_back([&, i] {
      ScanClient client(daemon.address());
      results[i] = Scan(&client, target, ask, stall).status();
    });
  }
  for (std::thread& client : clients) client.join();
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  absl::StatusOr<uint64_t> peak_kib = ReadField(proc + "/status", "VmHWM");
  if (!peak_kib.ok()) return peak_kib.status();
  return *peak_kib * 1024;
}

void ManyScans(const DaemonProcess& daemon, Report* report) {
  report->Section(absl::StrCat("Daemon's peak RSS, ", kScansAtOnce,
                               " scans at once of 4 GiB with every other page mapped: MiB"),
                  "", "peak");
  absl::StatusOr<BenchTarget> target =
      BenchTarget::Written(kPages, Blocks(kPages / 2, kPages / 2, kPages));
  for (const Ask& ask :
       {Extents(std::nullopt), WithEverything(Extents(std::nullopt)),
        WithEverything(Packed(std::nullopt)), Bitmap(std::nullopt), Summary(std::nullopt)}) {
    for (absl::Duration stall : {absl::ZeroDuration(), absl::Seconds(1)}) {
      const bool stalls = stall > absl::ZeroDuration();
      // A summary has one message.
      if (stalls && !ask.format) continue;
      const std::string row = stalls ? absl::StrCat(ask.name, ", clients that stall") : ask.name;
      absl::StatusOr<uint64_t> peak =
          target.ok() ? PeakRss(daemon, *target, ask, stall) : target.status();
      if (peak.ok()) {
        report->Memory(row, *peak, kMemoryBar);
      } else {
        report->NotDone(row, peak.status());
      }
    }
  }
}

int Main() {
  // Inherited by the daemon and the targets. Without the right to it, figures are only noisier.
  setpriority(PRIO_PROCESS, 0, -20);
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({});
  if (!daemon.ok()) {
    std::fprintf(stderr, "bench: %s\n", daemon.status().ToString().c_str());
    return 1;
  }
  std::printf(
      "Ratios are of the best of many runs in turn; \"median\" is the ratio of the medians,\n"
      "\"bar\" the most that the ratio may be. \"loop\" preads /proc/PID/pagemap with a 1 MiB\n"
      "buffer and counts states. Ours is the process view over a unix socket.\n");
  Report report;
  {
    ScanClient client(daemon->address());
    AllAgainstLoop(&client, &report);
    ByReadSize(&client, &report);
    for (uint64_t blocks : {16, 1024}) SparseAgainstDense(blocks, &client, &report);
  }
  ManyScans(*daemon, &report);
  return report.Finish() ? 0 : 1;
}

}  // namespace
}  // namespace pagemapd

int main() { return pagemapd::Main(); }
