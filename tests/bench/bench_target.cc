#include "tests/bench/bench_target.h"

#include <sys/mman.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

// What the bench leaves to the rest of the machine.
constexpr uint64_t kSpareBytes = uint64_t{1} << 30;

absl::Status CheckMemory(uint64_t bytes) {
  absl::StatusOr<uint64_t> available_kib = ReadField("/proc/meminfo", "MemAvailable");
  if (!available_kib.ok()) return available_kib.status();
  if (*available_kib * 1024 >= bytes + kSpareBytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("needs ", (bytes + kSpareBytes) >> 20,
                                                   " MiB of memory, ", *available_kib >> 10,
                                                   " MiB are available"));
}

}  // namespace

absl::StatusOr<BenchTarget> BenchTarget::Untouched(uint64_t pages, uint64_t pages_to_be_written) {
  if (absl::Status s = CheckMemory(pages_to_be_written * kPageSizeBytes); !s.ok()) return s;
  absl::StatusOr<TargetProcess> process = TargetProcess::Start();
  if (!process.ok()) return process.status();
  absl::StatusOr<MemoryRegion> region = MapRegion(*process, MemoryKind::kMemfd, pages);
  if (!region.ok()) return region.status();
  // Refused by a kernel that has no huge pages.
  process->Advise(region->address, {{0, pages}}, MADV_NOHUGEPAGE).IgnoreError();
  return BenchTarget(*std::move(process), *std::move(region));
}

absl::StatusOr<BenchTarget> BenchTarget::Written(uint64_t pages, absl::Span<const PageRun> runs) {
  uint64_t written = 0;
  for (const PageRun& run : runs) written += run.pages;
  absl::StatusOr<BenchTarget> target = Untouched(pages, written);
  if (!target.ok()) return target.status();
  absl::Status s = target->process_.Write(target->region_.address, runs);
  if (!s.ok()) return s;
  return target;
}

absl::StatusOr<BenchTarget> BenchTarget::Shaped(absl::Span<const PageWish> plan) {
  absl::StatusOr<BenchTarget> target = Untouched(plan.size(), plan.size());
  if (!target.ok()) return target.status();
  if (absl::Status s = Shape(target->process_, target->region_, plan); !s.ok()) return s;
  return target;
}

}  // namespace pagemapd
