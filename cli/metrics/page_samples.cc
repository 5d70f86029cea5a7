#include "cli/metrics/page_samples.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

std::string AreaName(const v1::SwapUse& use, const SwapAreaPaths& areas) {
  if (!use.has_type()) return "unknown";
  const auto area = areas.find(use.type());
  return area == areas.end() ? absl::StrCat("type ", use.type()) : area->second;
}

}  // namespace

void AddPages(const PageFamilies& families, const MetricLabels& labels,
              const v1::TargetSummary& summary, const SwapAreaPaths& areas,
              uint64_t page_size_bytes, Exposition* exposition) {
  const v1::PageCounts& counts = summary.total();
  const std::pair<const char*, uint64_t> kStates[] = {
      {"hole", counts.hole()},       {"mapped", counts.mapped()},   {"cached", counts.cached()},
      {"swapped", counts.swapped()}, {"special", counts.special()}, {"unknown", counts.unknown()}};
  MetricLabels with_more = labels;
  auto& more = with_more.emplace_back("state", "");
  for (const auto& [state, pages] : kStates) {
    more.second = state;
    exposition->Add(families.by_state, with_more, pages * page_size_bytes);
  }
  more.first = "area";
  for (const v1::SwapUse& use : summary.swap()) {
    more.second = AreaName(use, areas);
    exposition->Add(families.by_area, with_more, use.pages() * page_size_bytes);
  }
}

}  // namespace pagemapd
