#ifndef PAGEMAPD_TESTS_BENCH_BENCH_TARGET_H_
#define PAGEMAPD_TESTS_BENCH_BENCH_TARGET_H_

#include <sys/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/page/page_range.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_mix.h"
#include "tests/testing/target_process.h"

namespace pagemapd {

// A process with one shared mapping of a memfd, of base pages. Ends with this object, and its
// memory with it.
//
// Where the machine has not the memory for it to spare: RESOURCE_EXHAUSTED.
class BenchTarget {
 public:
  // With these pages written through the mapping, the rest never touched.
  static absl::StatusOr<BenchTarget> Written(uint64_t pages, absl::Span<const PageRun> runs);
  // With a wish a page.
  static absl::StatusOr<BenchTarget> Shaped(absl::Span<const PageWish> plan);

  pid_t pid() const { return process_.pid(); }
  PageRange range() const {
    return {region_.address, region_.address + region_.pages * kPageSizeBytes};
  }

 private:
  BenchTarget(TargetProcess process, MemoryRegion region)
      : process_(std::move(process)), region_(std::move(region)) {}

  static absl::StatusOr<BenchTarget> Untouched(uint64_t pages, uint64_t pages_to_be_written);

  TargetProcess process_;
  MemoryRegion region_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_BENCH_BENCH_TARGET_H_
