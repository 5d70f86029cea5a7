#ifndef PAGEMAPD_DAEMON_SYS_LRU_BATCHES_H_
#define PAGEMAPD_DAEMON_SYS_LRU_BATCHES_H_

#include "absl/status/status.h"

namespace pagemapd {

// Has each CPU put the pages that it holds in batches of its own (mm/swap.c) on the LRU lists:
// before that, nothing pages them out, and an idle CPU keeps them for as long as it is idle. The
// calling thread goes from CPU to CPU for it.
absl::Status DrainLruBatches();

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_LRU_BATCHES_H_
