#ifndef PAGEMAPD_DAEMON_RECLAIM_MAPPING_WATCH_H_
#define PAGEMAPD_DAEMON_RECLAIM_MAPPING_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "daemon/page/page_range.h"
#include "daemon/procfs/process.h"
#include "daemon/query/segment.h"

namespace pagemapd {

// Tells whether a mapping still is the one that maps showed, while it is worked on for minutes:
// the same object, at the same place in it, shared or not as before. Keeps its storage. Not
// thread-safe.
class MappingWatch {
 public:
  // From now on it is about the mapping of `segment`, which must outlive the watch of it, and has
  // just been read.
  void Begin(const Segment& segment);

  // Looks at `block` of it. To look costs a pass through maps: a mapping that was as it had been
  // kHoldsNanoseconds ago is taken to be so still.
  absl::Status Look(const Process& process, PageRange block);

  // Whether at the last look the mapping was the same at `address` of the block. To be asked in
  // address order, from one look to the next.
  bool Holds(uint64_t address);

  static constexpr uint64_t kHoldsNanoseconds = 10'000'000;

 private:
  const Segment* segment_ = nullptr;
  // By CLOCK_MONOTONIC; 0 if it was not as it had been.
  uint64_t seen_ns_ = 0;
  // The parts of the block where it is the same, and the first that may hold what is asked next.
  std::vector<PageRange> same_;
  size_t next_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_MAPPING_WATCH_H_
