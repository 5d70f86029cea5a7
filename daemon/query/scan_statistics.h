#ifndef PAGEMAPD_DAEMON_QUERY_SCAN_STATISTICS_H_
#define PAGEMAPD_DAEMON_QUERY_SCAN_STATISTICS_H_

#include <atomic>
#include <cstdint>

namespace pagemapd {

// What all scans together have done. Added to once a chunk. Safe for any thread.
struct ScanStatistics {
  // Pages that workers looked at, and the time they took for them, summed over workers.
  std::atomic<uint64_t> scanned_pages{0};
  std::atomic<uint64_t> scan_ns{0};
  // Pages of long holes, which nobody had to look at.
  std::atomic<uint64_t> skipped_pages{0};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_SCAN_STATISTICS_H_
