#include "daemon/service/pagemap_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "daemon/page/page_size.h"
#include "daemon/service/mapping_list.h"
#include "daemon/service/page_out_call.h"
#include "daemon/service/proto_conversion.h"
#include "daemon/service/query_stream.h"
#include "daemon/service/request_validation.h"
#include "daemon/service/revalidation.h"
#include "daemon/service/summary_call.h"
#include "daemon/service/swap_list.h"
#include "version.h"

namespace pagemapd {
namespace {

// A call that ends before it began.
template <typename Response>
class RefusedStream : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

bool IsActive(const std::vector<PagemapService::SourceChoice>& sources, absl::string_view name) {
  return std::any_of(sources.begin(), sources.end(),
                     [name](const auto& source) { return source.active && source.name == name; });
}

// By frame: without those there is nothing to ask the kernel about.
bool CanTellIdlePages(const ScanEnvironment& environment) {
  return environment.idle_pages.has_value() && environment.features.locations;
}

absl::Status CanPageOut(const ScanEnvironment& environment, const v1::PageOutRequest& request) {
  if (!environment.features.page_out && !request.dry_run()) {
    return absl::FailedPreconditionError(
        "this kernel has no process_madvise(2) with MADV_PAGEOUT (Linux 5.10)");
  }
  if (request.only_idle() && !CanTellIdlePages(environment)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "only_idle takes ", IdlePages::kPath, " (CONFIG_IDLE_PAGE_TRACKING) and CAP_SYS_ADMIN"));
  }
  return absl::OkStatus();
}

void LogRefused(const char* rpc, const absl::Status& status) {
  spdlog::info("refused rpc={} error=\"{}\"", rpc, status.ToString());
}

}  // namespace

grpc::ServerUnaryReactor* PagemapService::GetCapabilities(grpc::CallbackServerContext* context,
                                                          const v1::GetCapabilitiesRequest* request,
                                                          v1::GetCapabilitiesResponse* response) {
  const KernelFeatures& features = environment_.features;
  response->set_version(kVersion);
  response->set_kernel_release(features.release);
  response->set_page_size_bytes(kPageSizeBytes);
  auto* kernel = response->mutable_kernel_features();
  kernel->set_pagemap_scan(features.pagemap_scan);
  kernel->set_cachestat(features.cachestat);
  kernel->set_locations(features.locations);
  kernel->set_frame_flags(environment_.kpageflags.has_value());
  kernel->set_page_out(features.page_out);
  kernel->set_idle_pages(CanTellIdlePages(environment_));
  for (const SourceChoice& choice : sources_) {
    auto* source = response->add_sources();
    source->set_name(choice.name);
    source->set_available(choice.available);
    source->set_active(choice.active);
    source->set_detail(choice.detail);
  }
  auto* limits = response->mutable_limits();
  limits->set_max_targets(limits_.max_targets);
  limits->set_max_ranges(limits_.max_ranges);
  limits->set_max_scans(MaxScans(limits_));
  limits->set_max_bytes_in_flight(limits_.max_bytes_in_flight);
  limits->set_workers(pool_.size());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* PagemapService::ListMappings(grpc::CallbackServerContext* context,
                                                       const v1::ListMappingsRequest* request,
                                                       v1::ListMappingsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  pool_.Submit([this, reactor, request, response](ChunkScanner&) {
    reactor->Finish(ToGrpcStatus(
        ListMappingsOf(environment_, *request, limits_.max_listed_mappings, response)));
  });
  return reactor;
}

grpc::ServerUnaryReactor* PagemapService::ListSwapAreas(grpc::CallbackServerContext* context,
                                                        const v1::ListSwapAreasRequest* request,
                                                        v1::ListSwapAreasResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  pool_.Submit([this, reactor, response](ChunkScanner&) {
    reactor->Finish(ToGrpcStatus(ListSwapAreasOf(environment_.root, swap_table_, response)));
  });
  return reactor;
}

grpc::ServerWriteReactor<v1::QueryPagesResponse>* PagemapService::QueryPages(
    grpc::CallbackServerContext* context, const v1::QueryPagesRequest* request) {
  absl::StatusOr<ScanRequest> scan = ValidateQuery(*request, limits_);
  absl::Status status = scan.status();
  if (status.ok()) {
    absl::StatusOr<Admission::Ticket> ticket = admission_.Enter();
    if (ticket.ok()) {
      spdlog::debug("query targets={} format={}", request->targets_size(),
                    v1::Format_Name(request->format()));
      return QueryStream::Start(environment_, pool_, *std::move(scan), *std::move(ticket));
    }
    status = ticket.status();
  }
  LogRefused("QueryPages", status);
  return new RefusedStream<v1::QueryPagesResponse>(ToGrpcStatus(status));
}

grpc::ServerUnaryReactor* PagemapService::SummarizePages(grpc::CallbackServerContext* context,
                                                         const v1::SummarizePagesRequest* request,
                                                         v1::SummarizePagesResponse* response) {
  absl::StatusOr<ScanRequest> scan = ValidateSummary(*request, limits_);
  absl::Status status = scan.status();
  if (status.ok() && scan->spec.folios && !IsActive(sources_, "bpf")) {
    status = absl::FailedPreconditionError(
        "the sizes of folios take the source bpf, which is not active: see GetCapabilities");
  }
  if (status.ok()) {
    absl::StatusOr<Admission::Ticket> ticket = admission_.Enter();
    if (ticket.ok()) {
      spdlog::debug("summary targets={}", request->targets_size());
      return SummaryCall::Start(environment_, pool_, *std::move(scan), request->include_mappings(),
                                limits_, *std::move(ticket), response);
    }
    status = ticket.status();
  }
  LogRefused("SummarizePages", status);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* PagemapService::RevalidatePages(grpc::CallbackServerContext* context,
                                                          const v1::RevalidatePagesRequest* request,
                                                          v1::RevalidatePagesResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<RevalidationRequest> parsed = ValidateRevalidation(*request, limits_);
  absl::Status status = parsed.status();
  if (status.ok()) {
    absl::StatusOr<Admission::Ticket> ticket = admission_.Enter();
    if (ticket.ok()) {
      // A std::function wants what it holds to be copyable.
      auto held = std::make_shared<Admission::Ticket>(*std::move(ticket));
      std::make_shared<Revalidation>(
          environment_, pool_, *std::move(parsed), [context] { return context->IsCancelled(); },
          [reactor, response, held,
           pid = request->process().pid()](const Revalidation::Outcome& outcome) {
            response->mutable_process()->set_pid(pid);
            response->mutable_process()->set_start_time_ticks(outcome.start_time_ticks);
            response->set_holds(outcome.holds);
            response->set_held_extents(outcome.held_extents);
            response->set_held_pages(outcome.held_pages);
            response->set_asked_pages(outcome.asked_pages);
            response->set_scan_begin_ns(outcome.scan_begin_ns);
            response->set_scan_end_ns(outcome.scan_end_ns);
            response->set_mappings_changed(outcome.mappings_changed);
            reactor->Finish(ToGrpcStatus(outcome.status));
          })
          ->Start();
      return reactor;
    }
    status = ticket.status();
  }
  LogRefused("RevalidatePages", status);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerWriteReactor<v1::PageOutResponse>* PagemapService::PageOut(
    grpc::CallbackServerContext* context, const v1::PageOutRequest* request) {
  absl::StatusOr<PageOutRequest> page_out = ValidatePageOut(*request, limits_);
  absl::Status status = page_out.status();
  if (status.ok()) status = CanPageOut(environment_, *request);
  if (status.ok()) {
    absl::StatusOr<Admission::Ticket> ticket = admission_.Enter();
    if (ticket.ok()) {
      return PageOutCall::Start(environment_, pool_, *std::move(page_out),
                                request->max_pages_per_second(), *std::move(ticket));
    }
    status = ticket.status();
  }
  LogRefused("PageOut", status);
  return new RefusedStream<v1::PageOutResponse>(ToGrpcStatus(status));
}

}  // namespace pagemapd
