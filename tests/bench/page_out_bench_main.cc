// What page-out costs, as ratios in one run to a bare loop over process_madvise(2) of the same
// pages, which does not know what became of them: the calls alone, and the daemon end to end, which
// looks at every page before and after. See run.sh.
#include <errno.h>
#include <grpcpp/grpcpp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_range.h"
#include "daemon/reclaim/advised_pages.h"
#include "daemon/sys/pidfd.h"
#include "daemon/sys/unique_fd.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/bench/comparison.h"
#include "tests/bench/report.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/oracle.h"
#include "tests/testing/page_client.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kBytes = uint64_t{1} << 30;
constexpr uint64_t kPages = kBytes / kPageSizeBytes;
constexpr size_t kMaxRangesACall = 65536;

// The bars that the project sets itself: nine tenths of the bare loop's pages a second without
// verification, and what may come on top with it.
constexpr double kCallsBar = 1 / 0.9;
constexpr double kVerifiedBar = 1.3;

// What is paged out: pages of a region, as ranges of the target's addresses.
struct Workload {
  const TargetProcess& target;
  const MemoryRegion& region;
  std::vector<PageRange> ranges;
  uint64_t pages = 0;
};

// The peer of every figure, as a C program would write it.
absl::Status BareLoop(const UniqueFd& pidfd, std::vector<iovec> ranges) {
  constexpr size_t kRangesACall = 1024;
  for (size_t next = 0; next < ranges.size();) {
    const size_t count = std::min(kRangesACall, ranges.size() - next);
    const ssize_t advised =
        syscall(SYS_process_madvise, pidfd.get(), &ranges[next], count, MADV_PAGEOUT, 0);
    if (advised <= 0) return ErrnoError("process_madvise");
    for (size_t left = advised; left > 0;) {
      const size_t done = std::min(left, ranges[next].iov_len);
      ranges[next].iov_base = static_cast<char*>(ranges[next].iov_base) + done;
      ranges[next].iov_len -= done;
      left -= done;
      if (ranges[next].iov_len == 0) ++next;
    }
  }
  return absl::OkStatus();
}

std::vector<iovec> IovecsOf(const Workload& work) {
  std::vector<iovec> iovecs;
  for (const PageRange& range : work.ranges) {
    iovecs.push_back({reinterpret_cast<void*>(range.start), range.end - range.start});
  }
  return iovecs;
}

// Some pages wait in batches of a CPU, where nothing pages them out.
bool IsEnough(uint64_t done, uint64_t pages) { return done >= pages - pages / 100; }

// Before each run: that the one before did what is compared, and all pages in RAM again, dirty.
class Preparation {
 public:
  explicit Preparation(const Workload& work) : work_(work) {}

  absl::Status operator()() {
    if (ran_) {
      if (absl::Status s = Check(); !s.ok()) return s;
    }
    ran_ = true;
    const PageRun all = {0, work_.region.pages};
    return work_.target.Write(work_.region.address, {&all, 1});
  }

 private:
  absl::Status Check() const {
    absl::StatusOr<std::vector<uint64_t>> entries =
        ReadPagemap(work_.target.pid(), work_.region.address, work_.region.pages);
    if (!entries.ok()) return entries.status();
    uint64_t gone = 0;
    for (const PageRange& range : work_.ranges) {
      for (uint64_t address = range.start; address < range.end; address += kPageSizeBytes) {
        gone += (*entries)[(address - work_.region.address) / kPageSizeBytes] >> 63 == 0;
      }
    }
    if (IsEnough(gone, work_.pages)) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat("only ", gone, " of ", work_.pages, " pages were paged out"));
  }

  const Workload& work_;
  bool ran_ = false;
};

absl::Status PageOutByRpc(v1::PagemapService::Stub* stub, const Workload& work) {
  uint64_t achieved = 0;
  for (size_t next = 0; next < work.ranges.size();) {
    v1::PageOutRequest request;
    request.mutable_process()->set_pid(work.target.pid());
    const size_t last = std::min(work.ranges.size(), next + kMaxRangesACall);
    for (; next < last; ++next) {
      v1::AddressRange* range = request.add_ranges()->mutable_range();
      range->set_start(work.ranges[next].start);
      range->set_end(work.ranges[next].end);
    }
    grpc::ClientContext context;
    const auto reader = stub->PageOut(&context, request);
    v1::PageOutResponse response;
    v1::PageOutCounts counts;
    while (reader->Read(&response)) {
      if (response.has_counts()) counts = response.counts();
      if (response.end().has_error()) {
        return absl::InternalError(response.end().error().message());
      }
    }
    const grpc::Status status = reader->Finish();
    if (!status.ok()) return absl::InternalError(status.error_message());
    achieved += counts.achieved();
  }
  if (IsEnough(achieved, work.pages)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("only ", achieved, " of ", work.pages, " pages went"));
}

absl::StatusOr<Comparison> CompareCalls(const Workload& work) {
  absl::StatusOr<UniqueFd> pidfd = OpenPidfd(work.target.pid());
  if (!pidfd.ok()) return pidfd.status();
  const std::vector<iovec> iovecs = IovecsOf(work);
  AdvisedPages advised;
  return Compare([&] { return BareLoop(*pidfd, iovecs); },
                 [&] {
                   advised.Clear();
                   for (const PageRange& range : work.ranges) advised.Add(range);
                   return advised.PageOut(*pidfd, std::nullopt, [] { return false; });
                 },
                 Preparation(work));
}

absl::StatusOr<Comparison> CompareService(v1::PagemapService::Stub* stub, const Workload& work) {
  absl::StatusOr<UniqueFd> pidfd = OpenPidfd(work.target.pid());
  if (!pidfd.ok()) return pidfd.status();
  const std::vector<iovec> iovecs = IovecsOf(work);
  return Compare([&] { return BareLoop(*pidfd, iovecs); }, [&] { return PageOutByRpc(stub, work); },
                 Preparation(work));
}

absl::Status CheckMemory() {
  absl::StatusOr<uint64_t> available_kib = ReadField("/proc/meminfo", "MemAvailable");
  if (!available_kib.ok()) return available_kib.status();
  if (*available_kib << 10 >= 3 * kBytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("needs 3 GiB of memory, ", *available_kib >> 10, " MiB are available"));
}

// 1 GiB of one kind, every page of it asked for at once, then every other one by itself.
absl::Status RunKind(MemoryKind kind, v1::PagemapService::Stub* stub, Report* report) {
  if (absl::Status s = CheckMemory(); !s.ok()) return s;
  absl::StatusOr<SwapDevice> swap = SwapDevice::Create(kBytes + kBytes / 4);
  if (!swap.ok()) return swap.status();
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  if (!target.ok()) return target.status();
  absl::StatusOr<MemoryRegion> region = MapRegion(*target, kind, kPages);
  if (!region.ok()) return region.status();
  // Refused by a kernel that has no huge pages.
  target->Advise(region->address, {{0, kPages}}, MADV_NOHUGEPAGE).IgnoreError();

  Workload all = {*target, *region, {{region->address, region->address + kBytes}}, kPages};
  Workload every_other = {*target, *region, {}, kPages / 2};
  for (uint64_t page = 0; page < kPages; page += 2) {
    const uint64_t start = region->address + page * kPageSizeBytes;
    every_other.ranges.push_back({start, start + kPageSizeBytes});
  }
  for (const auto& [name, work] :
       {std::pair("one range", &all), std::pair("every other page", &every_other)}) {
    for (const bool verified : {false, true}) {
      const std::string row =
          absl::StrCat(name, verified ? ", PageOut, verified" : ", calls alone");
      const absl::StatusOr<Comparison> cost =
          verified ? CompareService(stub, *work) : CompareCalls(*work);
      if (cost.ok()) {
        report->PerPage(row, *cost, work->pages, verified ? kVerifiedBar : kCallsBar);
      } else {
        report->NotDone(row, cost.status());
      }
    }
  }
  return absl::OkStatus();
}

int Main() {
  // Inherited by the daemon and the targets. Without the right to it, figures are only noisier.
  setpriority(PRIO_PROCESS, 0, -20);
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({});
  if (!daemon.ok()) {
    std::fprintf(stderr, "page_out_bench: %s\n", daemon.status().ToString().c_str());
    return 1;
  }
  std::printf(
      "Page-out to a zram device of 1 GiB that is in RAM. \"loop\" is process_madvise(2) with "
      "1024\n"
      "ranges a call, and knows nothing of what became of the pages. Ours is the daemon's own\n"
      "calls, in this process; then the daemon over a unix socket, which looks at each page "
      "before\n"
      "and after, and tells.\n");
  const std::unique_ptr<v1::PagemapService::Stub> stub = NewStub(daemon->address());
  Report report;
  for (const MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kPrivateAnon}) {
    report.Section(absl::StrCat("1 GiB, ", Name(kind), ": ns a page asked for"), "loop", "ours");
    const absl::Status status = RunKind(kind, stub.get(), &report);
    if (!status.ok()) report.NotDone("page-out", status);
  }
  return report.Finish() ? 0 : 1;
}

}  // namespace
}  // namespace pagemapd

int main() { return pagemapd::Main(); }
