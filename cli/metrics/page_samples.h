#ifndef PAGEMAPD_CLI_METRICS_PAGE_SAMPLES_H_
#define PAGEMAPD_CLI_METRICS_PAGE_SAMPLES_H_

#include <cstdint>

#include "cli/metrics/exposition.h"
#include "cli/page_line.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Where the counts of a target's pages go: of `by_state` a sample a state, of `by_area` one for
// each swap area that has some.
struct PageFamilies {
  const MetricFamily& by_state;
  const MetricFamily& by_area;
};

// Adds the pages of `summary`, in bytes, under `labels` with "state" or "area". An area whose name
// is not certain is "type N", or "unknown".
void AddPages(const PageFamilies& families, const MetricLabels& labels,
              const v1::TargetSummary& summary, const SwapAreaPaths& areas,
              uint64_t page_size_bytes, Exposition* exposition);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_PAGE_SAMPLES_H_
