#include "daemon/service/capabilities.h"

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "daemon/page/page_size.h"
#include "version.h"

namespace pagemapd {

bool CanTellIdlePages(const ScanEnvironment& environment) {
  return environment.idle_pages.has_value() && environment.features.locations;
}

void FillCapabilities(const ServiceContext& context, const CallerRights& rights,
                      v1::GetCapabilitiesResponse* response) {
  const ScanEnvironment& environment = *context.environment;
  const KernelFeatures& features = environment.features;
  response->set_version(kVersion);
  response->set_kernel_release(features.release);
  response->set_page_size_bytes(kPageSizeBytes);
  auto* kernel = response->mutable_kernel_features();
  kernel->set_pagemap_scan(features.pagemap_scan);
  kernel->set_cachestat(features.cachestat);
  kernel->set_locations(features.locations);
  kernel->set_frame_flags(environment.kpageflags.has_value());
  kernel->set_page_out(features.page_out);
  kernel->set_idle_pages(CanTellIdlePages(environment));
  for (const ServiceContext::SourceChoice& choice : context.sources) {
    auto* source = response->add_sources();
    source->set_name(choice.name);
    source->set_available(choice.available);
    source->set_active(choice.active);
    source->set_detail(choice.detail);
  }
  auto* limits = response->mutable_limits();
  limits->set_max_targets(context.limits.max_targets);
  limits->set_max_ranges(context.limits.max_ranges);
  limits->set_max_scans(MaxScans(context.limits));
  limits->set_max_bytes_in_flight(context.limits.max_bytes_in_flight);
  limits->set_workers(context.pool->size());
  limits->set_max_calls_per_caller(context.limits.max_calls_per_caller);
  limits->set_max_connections_per_user(context.max_connections_per_user);
  auto* caller = response->mutable_caller();
  const Caller& who = rights.caller();
  if (who.uid.has_value()) {
    caller->set_uid(*who.uid);
    caller->add_gids(who.gid);
    for (const gid_t group : who.groups) {
      if (group != who.gid) caller->add_gids(group);
    }
  }
  // Text, in protobuf, is UTF-8.
  for (const std::string& name : who.certificate_names) {
    caller->add_certificate_names(absl::CEscape(name));
  }
  for (const std::string& line : rights.Describe()) caller->add_rights(line);
}

void FillStatistics(const ServiceContext& context, v1::GetStatisticsResponse* response) {
  response->set_start_time_seconds(context.start_time_seconds);
  context.calls->Fill(response);
  response->set_scanned_pages(context.scans->scanned_pages);
  response->set_scan_ns(context.scans->scan_ns);
  response->set_skipped_pages(context.scans->skipped_pages);
  for (const Right right : kRights) {
    auto* denials = response->add_denials();
    denials->set_right(RightName(right));
    denials->set_denials(context.access->denials(right));
  }
  response->set_calls_under_way(context.admission->calls());
  response->set_bytes_in_flight(context.admission->bytes());
  response->set_connections(context.connections->connections);
  response->set_refused_connections(context.connections->refused_connections);
  response->set_resident_bytes(ResidentBytes());
  response->set_policy_loads(context.access->loads());
  response->set_policy_failures(context.access->failures());
  response->set_held_up_workers(static_cast<uint32_t>(context.pool->held_up()));
}

}  // namespace pagemapd
