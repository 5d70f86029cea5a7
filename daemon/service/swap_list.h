#ifndef PAGEMAPD_DAEMON_SERVICE_SWAP_LIST_H_
#define PAGEMAPD_DAEMON_SERVICE_SWAP_LIST_H_

#include "absl/status/status.h"
#include "daemon/bpf/swap_table.h"
#include "daemon/procfs/proc_root.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Answers ListSwapAreas. Types are those of `table`; if it is null, or where it disagrees with
// /proc/swaps, only what /proc/swaps alone leaves no doubt about. Blocks on /proc and on the swap
// devices' first pages; for a worker.
absl::Status ListSwapAreasOf(const ProcRoot& root, const SwapTable* table,
                             v1::ListSwapAreasResponse* response);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_SWAP_LIST_H_
