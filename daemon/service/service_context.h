#ifndef PAGEMAPD_DAEMON_SERVICE_SERVICE_CONTEXT_H_
#define PAGEMAPD_DAEMON_SERVICE_SERVICE_CONTEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/bpf/swap_table.h"
#include "daemon/query/scan_statistics.h"
#include "daemon/query/target_scan.h"
#include "daemon/query/worker_pool.h"
#include "daemon/service/access/access_control.h"
#include "daemon/service/admission.h"
#include "daemon/service/call_statistics.h"
#include "daemon/service/limits.h"
#include "daemon/service/listen/listener.h"
#include "daemon/service/slow_readers.h"

namespace pagemapd {

// What the services of all callers share. All that is pointed to must outlive the servers.
struct ServiceContext {
  // How sources were chosen at start, for GetCapabilities.
  struct SourceChoice {
    std::string name;
    bool available = false;
    bool active = false;
    std::string detail;
  };

  const ScanEnvironment* environment = nullptr;
  WorkerPool* pool = nullptr;
  // Null where it cannot be read.
  const SwapTable* swap_table = nullptr;
  Limits limits;
  uint32_t max_connections_per_user = 0;
  std::vector<SourceChoice> sources;
  Admission* admission = nullptr;
  SlowReaders* slow_readers = nullptr;
  AccessControl* access = nullptr;
  CallStatistics* calls = nullptr;
  const ScanStatistics* scans = nullptr;
  const ListenerStatistics* connections = nullptr;
  // Seconds since 1970.
  uint64_t start_time_seconds = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_SERVICE_CONTEXT_H_
