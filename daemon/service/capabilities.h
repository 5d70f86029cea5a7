#ifndef PAGEMAPD_DAEMON_SERVICE_CAPABILITIES_H_
#define PAGEMAPD_DAEMON_SERVICE_CAPABILITIES_H_

#include "daemon/query/target_scan.h"
#include "daemon/service/access/caller_rights.h"
#include "daemon/service/service_context.h"
#include "pagemapd/v1/pagemap_service.pb.h"

// What the daemon says of itself.

namespace pagemapd {

// By frame: without those there is nothing to ask the kernel about.
bool CanTellIdlePages(const ScanEnvironment& environment);

void FillCapabilities(const ServiceContext& context, const CallerRights& rights,
                      v1::GetCapabilitiesResponse* response);

void FillStatistics(const ServiceContext& context, v1::GetStatisticsResponse* response);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_CAPABILITIES_H_
