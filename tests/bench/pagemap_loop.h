#ifndef PAGEMAPD_TESTS_BENCH_PAGEMAP_LOOP_H_
#define PAGEMAPD_TESTS_BENCH_PAGEMAP_LOOP_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/page/page_range.h"
#include "tests/testing/fd.h"

namespace pagemapd {

// What pagemap alone tells of a range, in pages.
struct PagemapTally {
  uint64_t present = 0;
  uint64_t swapped = 0;
  uint64_t none = 0;
};

// The peer of every figure: the loop that a C program would write, which preads /proc/PID/pagemap
// into one buffer and counts the states that it shows.
class PagemapLoop {
 public:
  static constexpr size_t kBulkEntries = (1 << 20) / sizeof(uint64_t);

  static absl::StatusOr<PagemapLoop> Open(pid_t pid, size_t entries_per_read = kBulkEntries);

  absl::StatusOr<PagemapTally> Count(const PageRange& range);

 private:
  PagemapLoop(Fd fd, size_t entries_per_read) : fd_(std::move(fd)), buffer_(entries_per_read) {}

  Fd fd_;
  std::vector<uint64_t> buffer_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_BENCH_PAGEMAP_LOOP_H_
