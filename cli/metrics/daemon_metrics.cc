#include "cli/metrics/daemon_metrics.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pagemapd {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

constexpr MetricFamily kUp = {"pagemapd_up", kGauge, "Whether pagemapd answered."};
constexpr MetricFamily kInfo = {"pagemapd_info", kGauge,
                                "Always 1: version, kernel, and the sources that are active."};
constexpr MetricFamily kSourceActive = {"pagemapd_source_active", kGauge,
                                        "Whether this source of page states is in use."};
constexpr MetricFamily kPageSize = {"pagemapd_page_size_bytes", kGauge, "Size of a base page."};
constexpr MetricFamily kInFlightLimit = {"pagemapd_in_flight_limit_bytes", kGauge,
                                         "Bytes of answers that may be under way at once."};

constexpr MetricFamily kStartTime = {"pagemapd_start_time_seconds", kGauge,
                                     "When the daemon started, in seconds since 1970."};
constexpr MetricFamily kRequests = {"pagemapd_requests_total", kCounter,
                                    "Calls that have ended, by method and gRPC status code."};
constexpr MetricFamily kRequestsInProgress = {"pagemapd_requests_in_progress", kGauge,
                                              "Calls under way."};
constexpr MetricFamily kScannedPages = {"pagemapd_scanned_pages_total", kCounter,
                                        "Pages looked at."};
constexpr MetricFamily kScanTime = {"pagemapd_scan_seconds_total", kCounter,
                                    "Time that workers took to look at pages."};
constexpr MetricFamily kSkippedPages = {"pagemapd_skipped_pages_total", kCounter,
                                        "Pages of long holes that were passed over."};
constexpr MetricFamily kPageOutAttempted = {"pagemapd_page_out_attempted_pages_total", kCounter,
                                            "Pages handed to the kernel to be paged out."};
constexpr MetricFamily kPageOutAchieved = {
    "pagemapd_page_out_achieved_pages_total", kCounter,
    "Pages that were found to be out after they had been handed to the kernel."};
constexpr MetricFamily kDenials = {
    "pagemapd_denials_total", kCounter,
    "Targets refused, and answers cut short, by the right that the caller was missing."};
constexpr MetricFamily kConnections = {"pagemapd_connections", kGauge, "Open connections."};
constexpr MetricFamily kRefusedConnections = {"pagemapd_refused_connections_total", kCounter,
                                              "Connections not taken because of a limit."};
constexpr MetricFamily kInFlight = {"pagemapd_in_flight_bytes", kGauge,
                                    "Bytes of answers under way."};
constexpr MetricFamily kResident = {"pagemapd_resident_memory_bytes", kGauge,
                                    "The daemon's own memory in RAM."};
constexpr MetricFamily kHeldUpWorkers = {"pagemapd_held_up_workers", kGauge,
                                         "Workers that a process which is looked at holds up."};
constexpr MetricFamily kPolicyLoads = {"pagemapd_policy_loads_total", kCounter,
                                       "Policies read, the first included."};
constexpr MetricFamily kPolicyFailures = {"pagemapd_policy_failures_total", kCounter,
                                          "Policies found wrong and not taken."};

constexpr MetricFamily kSwapSize = {"pagemapd_swap_area_size_bytes", kGauge,
                                    "Size of a swap area."};
constexpr MetricFamily kSwapUsed = {"pagemapd_swap_area_used_bytes", kGauge,
                                    "What of a swap area is in use."};
constexpr MetricFamily kSwapPriority = {
    "pagemapd_swap_area_priority", kGauge,
    "Priority of a swap area: the kernel fills that of the highest first."};
constexpr MetricFamily kZswap = {"pagemapd_zswap_enabled", kGauge,
                                 "Whether zswap holds pages in RAM before they reach their slot."};

std::string CodeName(uint32_t code) {
  static constexpr const char* kNames[] = {"OK",
                                           "CANCELLED",
                                           "UNKNOWN",
                                           "INVALID_ARGUMENT",
                                           "DEADLINE_EXCEEDED",
                                           "NOT_FOUND",
                                           "ALREADY_EXISTS",
                                           "PERMISSION_DENIED",
                                           "RESOURCE_EXHAUSTED",
                                           "FAILED_PRECONDITION",
                                           "ABORTED",
                                           "OUT_OF_RANGE",
                                           "UNIMPLEMENTED",
                                           "INTERNAL",
                                           "UNAVAILABLE",
                                           "DATA_LOSS",
                                           "UNAUTHENTICATED"};
  return code < std::size(kNames) ? kNames[code] : absl::StrCat("CODE_", code);
}

}  // namespace

void AddUp(bool up, Exposition* exposition) { exposition->Add(kUp, {}, up ? 1 : 0); }

void AddCapabilities(const v1::GetCapabilitiesResponse& capabilities, Exposition* exposition) {
  std::vector<std::string> active;
  for (const auto& source : capabilities.sources()) {
    if (source.active()) active.push_back(source.name());
    exposition->Add(kSourceActive, {{"source", source.name()}}, source.active() ? 1 : 0);
  }
  exposition->Add(kInfo,
                  {{"version", capabilities.version()},
                   {"kernel_release", capabilities.kernel_release()},
                   {"sources", absl::StrJoin(active, ",")}},
                  1);
  exposition->Add(kPageSize, {}, capabilities.page_size_bytes());
  exposition->Add(kInFlightLimit, {}, capabilities.limits().max_bytes_in_flight());
}

void AddStatistics(const v1::GetStatisticsResponse& statistics, Exposition* exposition) {
  exposition->Add(kStartTime, {}, statistics.start_time_seconds());
  for (const auto& calls : statistics.calls()) {
    exposition->Add(kRequests, {{"method", calls.method()}, {"code", CodeName(calls.code())}},
                    calls.calls());
  }
  exposition->Add(kRequestsInProgress, {}, statistics.calls_under_way());
  exposition->Add(kScannedPages, {}, statistics.scanned_pages());
  exposition->AddDuration(kScanTime, {}, statistics.scan_ns());
  exposition->Add(kSkippedPages, {}, statistics.skipped_pages());
  exposition->Add(kPageOutAttempted, {}, statistics.page_out_attempted_pages());
  exposition->Add(kPageOutAchieved, {}, statistics.page_out_achieved_pages());
  // A first denial must show as an increase: so there is a 0 before it.
  std::map<std::string, uint64_t> denials = {{"inspect", 0}, {"locations", 0}, {"pageout", 0}};
  for (const auto& denial : statistics.denials()) denials[denial.right()] += denial.denials();
  for (const auto& [right, count] : denials) {
    exposition->Add(kDenials, {{"right", right}}, count);
  }
  exposition->Add(kConnections, {}, statistics.connections());
  exposition->Add(kRefusedConnections, {}, statistics.refused_connections());
  exposition->Add(kInFlight, {}, statistics.bytes_in_flight());
  exposition->Add(kResident, {}, statistics.resident_bytes());
  exposition->Add(kHeldUpWorkers, {}, statistics.held_up_workers());
  exposition->Add(kPolicyLoads, {}, statistics.policy_loads());
  exposition->Add(kPolicyFailures, {}, statistics.policy_failures());
}

void AddSwapAreas(const v1::ListSwapAreasResponse& areas, uint64_t page_size_bytes,
                  Exposition* exposition) {
  for (const v1::SwapArea& area : areas.areas()) {
    const MetricLabels labels = {{"area", area.path()},
                                 {"kind", area.is_file() ? "file" : "device"}};
    exposition->Add(kSwapSize, labels, area.size_pages() * page_size_bytes);
    exposition->Add(kSwapUsed, labels, area.used_pages() * page_size_bytes);
    exposition->Add(kSwapPriority, labels, area.priority());
  }
  exposition->Add(kZswap, {}, areas.zswap_enabled() ? 1 : 0);
}

}  // namespace pagemapd
