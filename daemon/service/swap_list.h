#ifndef PAGEMAPD_DAEMON_SERVICE_SWAP_LIST_H_
#define PAGEMAPD_DAEMON_SERVICE_SWAP_LIST_H_

#include "absl/status/status.h"
#include "daemon/procfs/proc_root.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Answers ListSwapAreas. Blocks on /proc and on the swap devices' first pages; for a worker.
absl::Status ListSwapAreasOf(const ProcRoot& root, v1::ListSwapAreasResponse* response);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_SWAP_LIST_H_
