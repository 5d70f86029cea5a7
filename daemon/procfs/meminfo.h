#ifndef PAGEMAPD_DAEMON_PROCFS_MEMINFO_H_
#define PAGEMAPD_DAEMON_PROCFS_MEMINFO_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "daemon/procfs/proc_root.h"

namespace pagemapd {

// SwapCached of /proc/meminfo: pages in RAM whose home is a swap slot (proc(5)). DATA_LOSS if the
// line is missing or malformed.
absl::StatusOr<uint64_t> SwapCachedBytes(const ProcRoot& root);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_MEMINFO_H_
