#ifndef PAGEMAPD_DAEMON_PROCFS_MEMINFO_H_
#define PAGEMAPD_DAEMON_PROCFS_MEMINFO_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "daemon/procfs/proc_root.h"

namespace pagemapd {

// What /proc/meminfo (proc(5)) says of swap, in bytes.
struct SwapMeminfo {
  // Pages in RAM whose home is a swap slot. Of this count each CPU holds back some pages for up to
  // a second: 0 does not mean none.
  uint64_t cached_bytes = 0;
  // Size of all areas, and what of it is not in use. Exact.
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
};

// DATA_LOSS if a line is missing or malformed.
absl::StatusOr<SwapMeminfo> ReadSwapMeminfo(const ProcRoot& root);

// Whether no page in RAM has its home in swap: because no slot is in use, or by SwapCached, after
// the CPUs were made to hand in what they held back (vmstat_refresh in mm/vmstat.c; needs root).
// False where that cannot be told.
bool SwapCacheIsEmpty(const ProcRoot& root);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_MEMINFO_H_
