#ifndef PAGEMAPD_CLI_METRICS_DAEMON_METRICS_H_
#define PAGEMAPD_CLI_METRICS_DAEMON_METRICS_H_

#include "cli/metrics/exposition.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Whether the daemon answered: told even if it did not.
void AddUp(bool up, Exposition* exposition);

// What the daemon is, and what it rests on.
void AddCapabilities(const v1::GetCapabilitiesResponse& capabilities, Exposition* exposition);

// What it has done.
void AddStatistics(const v1::GetStatisticsResponse& statistics, Exposition* exposition);

// The swap areas of its machine.
void AddSwapAreas(const v1::ListSwapAreasResponse& areas, uint64_t page_size_bytes,
                  Exposition* exposition);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_DAEMON_METRICS_H_
