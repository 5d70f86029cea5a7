// What the source bpf costs, as ratios in one run to a loop over /proc/PID/pagemap of the same
// range, which tells less: the resolver alone, and end to end. See run.sh.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/bpf/page_cache_walker.h"
#include "daemon/page/page_counts.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/process.h"
#include "daemon/query/mapped_ranges.h"
#include "daemon/shmem/page_cache_reader.h"
#include "daemon/shmem/shared_object.h"
#include "tests/bench/bench_target.h"
#include "tests/bench/comparison.h"
#include "tests/bench/pagemap_loop.h"
#include "tests/bench/report.h"
#include "tests/bench/scan_client.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/page_mix.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = (uint64_t{8} << 30) / kPageSizeBytes;
constexpr uint64_t kSeed = 2021;

// The bars that the project sets itself.
constexpr double kPresentBar = 0.15;
constexpr double kAlternatingBar = 0.25;
constexpr double kLongRunsBar = 0.35;
constexpr double kOffsetsBar = 0.6;
constexpr double kProcessBar = 1.2;

// The object, and the index of the target's first page in it.
struct IndexedObject {
  SharedObject object;
  uint64_t first_index;
};

absl::StatusOr<IndexedObject> ObjectOf(const BenchTarget& target) {
  absl::StatusOr<Process> process = Process::Open(ProcRoot(), target.pid(), 0);
  if (!process.ok()) return process.status();
  const std::vector<PageRange> ranges = {target.range()};
  absl::StatusOr<MappedRanges> mapped = MappedRanges::Open(*process, ranges);
  if (!mapped.ok()) return mapped.status();
  Vma vma;
  PageRange cut;
  absl::StatusOr<bool> found = mapped->Next(&vma, &cut);
  if (!found.ok()) return found.status();
  absl::StatusOr<SharedObject> object =
      SharedObject::Open(*process, vma, SharedObject::Kind::kTmpfs);
  if (!object.ok()) return object.status();
  const uint64_t offset_bytes = vma.offset_bytes + (target.range().start - vma.range.start);
  return IndexedObject{*std::move(object), offset_bytes / kPageSizeBytes};
}

// One thread's scan of the whole object as a worker does it: a block of records at a time. Adds
// them up if asked to.
absl::Status Resolve(PageCacheReader* reader, const IndexedObject& target,
                     std::vector<PageRecord>* block, PageCounts* counts) {
  for (uint64_t page = 0; page < kPages; page += block->size()) {
    absl::Status status =
        reader->Read(target.object, target.first_index + page, absl::MakeSpan(*block));
    if (!status.ok()) return status;
    if (counts != nullptr) counts->Add(*block);
  }
  return absl::OkStatus();
}

absl::StatusOr<Comparison> CompareResolver(PageCacheWalker* walker, const BenchTarget& target) {
  absl::StatusOr<IndexedObject> object = ObjectOf(target);
  if (!object.ok()) return object.status();
  absl::StatusOr<PagemapLoop> loop = PagemapLoop::Open(target.pid());
  if (!loop.ok()) return loop.status();
  absl::StatusOr<PagemapTally> shown = loop->Count(target.range());
  if (!shown.ok()) return shown.status();
  PageCacheReader reader(*walker, 0, {});
  std::vector<PageRecord> block(16 << 10);
  PageCounts counts;
  if (absl::Status s = Resolve(&reader, *object, &block, &counts); !s.ok()) return s;
  // What is mapped is cached.
  if (counts.of(PageState::kCached) < shown->present) {
    return absl::DataLossError(absl::StrCat("the resolver finds ", counts.of(PageState::kCached),
                                            " cached pages, pagemap ", shown->present,
                                            " mapped ones"));
  }
  return Compare([&] { return loop->Count(target.range()).status(); },
                 [&] { return Resolve(&reader, *object, &block, nullptr); });
}

struct Ask {
  std::string name;
  v1::View view;
  v1::Format format;
  bool locations;
  std::optional<double> bar;
};

absl::StatusOr<Comparison> CompareService(ScanClient* client, const BenchTarget& target,
                                          const Ask& ask) {
  absl::StatusOr<PagemapLoop> loop = PagemapLoop::Open(target.pid());
  if (!loop.ok()) return loop.status();
  ScanClient::Query query = {target.pid(), target.range(), ask.format, {}, {}, ask.view};
  if (ask.locations) query.fields.push_back(v1::PAGE_FIELD_LOCATION);
  return Compare([&] { return loop->Count(target.range()).status(); },
                 [&]() -> absl::Status {
                   absl::StatusOr<ScanTally> tally = client->QueryPages(query);
                   if (!tally.ok()) return tally.status();
                   const v1::PageCounts& told = tally->told;
                   if (told.unknown() == 0 &&
                       told.hole() + told.mapped() + told.cached() + told.swapped() == kPages) {
                     return absl::OkStatus();
                   }
                   return absl::DataLossError("pages are missing or unknown");
                 });
}

using MakeTarget = std::function<absl::StatusOr<BenchTarget>()>;

class ObjectBench {
 public:
  ObjectBench(PageCacheWalker* walker, ScanClient* client, Report* report)
      : walker_(walker), client_(client), report_(report) {}

  void Run(const std::string& title, const MakeTarget& make, std::optional<double> resolver_bar,
           const std::vector<Ask>& asks) {
    report_->Section(absl::StrCat(title, ": ns a page"), "loop", "ours");
    absl::StatusOr<BenchTarget> target = make();
    const auto row = [&](const std::string& name, std::optional<double> bar,
                         const std::function<absl::StatusOr<Comparison>()>& compare) {
      const absl::StatusOr<Comparison> cost = target.ok() ? compare() : target.status();
      if (cost.ok()) {
        report_->PerPage(name, *cost, kPages, bar);
      } else {
        report_->NotDone(name, cost.status());
      }
    };
    row("resolver, one thread", resolver_bar, [&] { return CompareResolver(walker_, *target); });
    for (const Ask& ask : asks) {
      row(ask.name, ask.bar, [&] { return CompareService(client_, *target, ask); });
    }
  }

 private:
  PageCacheWalker* const walker_;
  ScanClient* const client_;
  Report* const report_;
};

Ask Object(const char* name, v1::Format format, bool locations, std::optional<double> bar) {
  return {absl::StrCat("object, ", name), v1::VIEW_OBJECT, format, locations, bar};
}
Ask Process(const char* name, v1::Format format, std::optional<double> bar) {
  return {absl::StrCat("process, ", name), v1::VIEW_PROCESS, format, true, bar};
}

std::vector<PageRun> EveryOther() {
  std::vector<PageRun> runs;
  for (uint64_t page = 0; page < kPages; page += 2) runs.push_back({page, 1});
  return runs;
}

void RunAll(ObjectBench* bench) {
  const std::vector<Ask> asks = {
      Object("EXTENTS", v1::FORMAT_EXTENTS, false, kLongRunsBar),
      Object("BITMAP", v1::FORMAT_BITMAP, false, kLongRunsBar),
      Object("PACKED, locations", v1::FORMAT_PACKED, true, std::nullopt),
      Process("PACKED, locations", v1::FORMAT_PACKED, kProcessBar),
  };
  bench->Run(
      "8 GiB, all present",
      [] {
        return BenchTarget::Written(kPages, {{{0, kPages}}});
      },
      kPresentBar, asks);
  const std::vector<Ask> alternating = {
      Object("BITMAP", v1::FORMAT_BITMAP, false, kLongRunsBar),
      Object("PACKED, locations", v1::FORMAT_PACKED, true, kOffsetsBar),
      Process("PACKED, locations", v1::FORMAT_PACKED, kProcessBar),
  };
  bench->Run(
      "8 GiB, every other page present, the others holes",
      [] { return BenchTarget::Written(kPages, EveryOther()); }, kAlternatingBar, alternating);
  absl::StatusOr<SwapDevice> swap = SwapDevice::Create(kPages * kPageSizeBytes);
  const auto shaped = [&](Mix mix) {
    return [&swap, mix]() -> absl::StatusOr<BenchTarget> {
      if (!swap.ok()) return swap.status();
      return BenchTarget::Shaped(MakeMix(mix, kPages, {}, kSeed));
    };
  };
  bench->Run("8 GiB, every other page present, the others swapped", shaped(Mix::kAlternating),
             kAlternatingBar, alternating);
  // pagemap shows nothing of these pages, and reads empty page tables fast.
  const std::vector<Ask> blind = {
      Object("EXTENTS", v1::FORMAT_EXTENTS, false, std::nullopt),
      Object("BITMAP", v1::FORMAT_BITMAP, false, std::nullopt),
      Object("PACKED, locations", v1::FORMAT_PACKED, true, std::nullopt),
      Process("PACKED, locations", v1::FORMAT_PACKED, std::nullopt),
  };
  bench->Run("8 GiB, all swapped", shaped(Mix::kAllSwapped), std::nullopt, blind);
}

int Main() {
  // Inherited by the daemon and the targets. Without the right to it, figures are only noisier.
  setpriority(PRIO_PROCESS, 0, -20);
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({"--source", "bpf"});
  absl::StatusOr<std::unique_ptr<PageCacheWalker>> walker = PageCacheWalker::Load(1);
  const absl::Status status = daemon.ok() ? walker.status() : daemon.status();
  if (!status.ok()) {
    std::fprintf(stderr, "object_bench: %s\n", status.ToString().c_str());
    return 1;
  }
  std::printf(
      "The source bpf. \"loop\" preads /proc/PID/pagemap, which shows neither swapped pages nor\n"
      "those that others cached. Ours is one thread in this process, then the daemon over a unix\n"
      "socket, to a client that looks at every page.\n");
  Report report;
  {
    ScanClient client(daemon->address());
    ObjectBench bench(walker->get(), &client, &report);
    RunAll(&bench);
  }
  return report.Finish() ? 0 : 1;
}

}  // namespace
}  // namespace pagemapd

int main() { return pagemapd::Main(); }
