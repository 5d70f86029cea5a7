#ifndef PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_
#define PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_

#include "absl/status/status.h"
#include "daemon/query/target_access.h"
#include "daemon/query/target_scan.h"
#include "daemon/service/limits.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Answers ListMappings with as many mappings as `limits` allows at once, if `access` allows any.
// Blocks on /proc; for a worker.
absl::Status ListMappingsOf(const ScanEnvironment& environment,
                            const v1::ListMappingsRequest& request, const Limits& limits,
                            const AccessCheck& access, v1::ListMappingsResponse* response);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_
