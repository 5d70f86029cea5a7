#ifndef PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_
#define PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_

#include <cstdint>

#include "absl/status/status.h"
#include "daemon/query/target_scan.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Answers ListMappings with at most `max_mappings` mappings. Blocks on /proc; for a worker.
absl::Status ListMappingsOf(const ScanEnvironment& environment,
                            const v1::ListMappingsRequest& request, uint32_t max_mappings,
                            v1::ListMappingsResponse* response);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_
