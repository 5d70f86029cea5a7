#include "daemon/service/pagemap_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/page/page_size.h"
#include "daemon/service/capabilities.h"
#include "daemon/service/mapping_list.h"
#include "daemon/service/page_out_call.h"
#include "daemon/service/proto_conversion.h"
#include "daemon/service/query_stream.h"
#include "daemon/service/request_validation.h"
#include "daemon/service/revalidation.h"
#include "daemon/service/summary_call.h"
#include "daemon/service/swap_list.h"

namespace pagemapd {
namespace {

// A request up to this size is part of what a call is taken to hold anyway.
constexpr uint64_t kSmallRequestBytes = 64 << 10;

// A call that ends before it began.
template <typename Response>
class RefusedStream : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

bool IsActive(const std::vector<ServiceContext::SourceChoice>& sources, absl::string_view name) {
  return std::any_of(sources.begin(), sources.end(),
                     [name](const auto& source) { return source.active && source.name == name; });
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

}  // namespace

void PagemapService::LogRefused(const char* rpc, const absl::Status& status) const {
  const std::string who = caller_ != nullptr ? ToString(*caller_) : "TCP";
  if (const auto suppressed = context_.access->log_limiter().MayLog(who, absl::Now())) {
    spdlog::info("refused rpc={} caller=\"{}\" pids={} error=\"{}\" suppressed={}", rpc, who,
                 pids_->ToString(), status.ToString(), *suppressed);
  }
}

grpc::ServerUnaryReactor* PagemapService::Refuse(grpc::CallbackServerContext* call, const char* rpc,
                                                 const absl::Status& status) const {
  LogRefused(rpc, status);
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

absl::StatusOr<std::shared_ptr<const CallerRights>> PagemapService::RightsOf(
    const grpc::CallbackServerContext& call) const {
  if (caller_ != nullptr) return context_.access->RightsOf(*caller_);
  Caller caller;
  const std::shared_ptr<const grpc::AuthContext> auth = call.auth_context();
  // Only what the handshake has proved counts.
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    for (const grpc::string_ref& name : auth->FindPropertyValues(GRPC_X509_SAN_PROPERTY_NAME)) {
      caller.certificate_names.emplace_back(name.data(), name.size());
    }
  }
  std::shared_ptr<const CallerRights> rights = context_.access->RightsOf(caller);
  if (rights->has_grants()) return rights;
  return absl::UnauthenticatedError(
      absl::StrCat("no grant of the policy names ", ToString(caller)));
}

absl::StatusOr<PagemapService::Admitted> PagemapService::Admit(
    const grpc::CallbackServerContext& call, const google::protobuf::Message& request,
    uint64_t answer_bytes) {
  absl::StatusOr<std::shared_ptr<const CallerRights>> rights = RightsOf(call);
  if (!rights.ok()) return rights.status();
  uint64_t bytes = request.SpaceUsedLong();
  if (bytes < kSmallRequestBytes) bytes = 0;
  absl::StatusOr<Admission::Ticket> entered =
      context_.admission->Enter((*rights)->caller(), answer_bytes + bytes);
  if (!entered.ok()) return entered.status();
  auto ticket = std::make_shared<Admission::Ticket>(*std::move(entered));
  const Caller& caller = (*rights)->caller();
  std::string by = Describe(caller);
  // Root's calls have nothing in common, here as in Admission.
  TaskLane lane(*context_.pool, caller.IsRoot() ? "" : ToString(caller), by, ticket);
  return Admitted{*std::move(rights), std::move(ticket), std::move(by), std::move(lane)};
}

std::string PagemapService::Describe(const Caller& caller) const {
  return absl::StrCat("caller=\"", ToString(caller), "\" pids=", pids_->ToString());
}

std::shared_ptr<Reader> PagemapService::WatchReader(grpc::CallbackServerContext* call,
                                                    const std::string& by) const {
  return context_.slow_readers->Add([call, by] {
    spdlog::info("cancelled a call whose client does not read {}", by);
    call->TryCancel();
  });
}

UnaryReply* PagemapService::ReplyTo(grpc::CallbackServerContext* call, const Admitted& admitted,
                                    const google::protobuf::Message& response) const {
  return new UnaryReply(WatchReader(call, admitted.by), admitted.ticket, response);
}

UnaryReply* PagemapService::ReplyTo(grpc::CallbackServerContext* call, const CallerRights& rights,
                                    const google::protobuf::Message& response) const {
  return new UnaryReply(WatchReader(call, Describe(rights.caller())), nullptr, response);
}

grpc::ServerUnaryReactor* PagemapService::GetCapabilities(grpc::CallbackServerContext* call,
                                                          const v1::GetCapabilitiesRequest* request,
                                                          v1::GetCapabilitiesResponse* response) {
  absl::StatusOr<std::shared_ptr<const CallerRights>> rights = RightsOf(*call);
  if (!rights.ok()) return Refuse(call, "GetCapabilities", rights.status());
  FillCapabilities(context_, **rights, response);
  UnaryReply* reply = ReplyTo(call, **rights, *response);
  reply->Send(absl::OkStatus());
  return reply;
}

grpc::ServerUnaryReactor* PagemapService::GetStatistics(grpc::CallbackServerContext* call,
                                                        const v1::GetStatisticsRequest* request,
                                                        v1::GetStatisticsResponse* response) {
  absl::StatusOr<std::shared_ptr<const CallerRights>> rights = RightsOf(*call);
  if (!rights.ok()) return Refuse(call, "GetStatistics", rights.status());
  FillStatistics(context_, response);
  UnaryReply* reply = ReplyTo(call, **rights, *response);
  reply->Send(absl::OkStatus());
  return reply;
}

grpc::ServerUnaryReactor* PagemapService::ListMappings(grpc::CallbackServerContext* call,
                                                       const v1::ListMappingsRequest* request,
                                                       v1::ListMappingsResponse* response) {
  absl::StatusOr<Admitted> admitted = Admit(*call, *request, context_.limits.max_listed_bytes);
  if (!admitted.ok()) return Refuse(call, "ListMappings", admitted.status());
  UnaryReply* reply = ReplyTo(call, *admitted, *response);
  std::make_shared<MappingListing>(
      *context_.environment, std::move(admitted->lane), context_.limits, *request,
      context_.access->InspectCheck(admitted->rights, pids_),
      [call] { return call->IsCancelled(); }, response,
      [reply](const absl::Status& status) { reply->Send(status); })
      ->Start();
  return reply;
}

grpc::ServerUnaryReactor* PagemapService::ListSwapAreas(grpc::CallbackServerContext* call,
                                                        const v1::ListSwapAreasRequest* request,
                                                        v1::ListSwapAreasResponse* response) {
  absl::StatusOr<Admitted> admitted = Admit(*call, *request, kSmallAnswerBytes);
  if (!admitted.ok()) return Refuse(call, "ListSwapAreas", admitted.status());
  UnaryReply* reply = ReplyTo(call, *admitted, *response);
  admitted->lane.Submit([this, reply, response](ChunkScanner&) {
    reply->Send(ListSwapAreasOf(context_.environment->root, context_.swap_table, response));
  });
  return reply;
}

grpc::ServerWriteReactor<v1::QueryPagesResponse>* PagemapService::QueryPages(
    grpc::CallbackServerContext* call, const v1::QueryPagesRequest* request) {
  absl::StatusOr<ScanRequest> scan = ValidateQuery(*request, context_.limits);
  absl::Status status = scan.status();
  if (status.ok()) {
    absl::StatusOr<Admitted> admitted = Admit(*call, *request, kScanBytes);
    if (admitted.ok()) {
      spdlog::debug("query targets={} format={}", request->targets_size(),
                    v1::Format_Name(request->format()));
      const AccessCheck check = context_.access->InspectCheck(admitted->rights, pids_);
      for (TargetQuery& target : scan->targets) target.access = check;
      return QueryStream::Start(context_, WatchReader(call, admitted->by),
                                std::move(admitted->lane), *std::move(scan),
                                std::move(admitted->ticket));
    }
    status = admitted.status();
  }
  LogRefused("QueryPages", status);
  return new RefusedStream<v1::QueryPagesResponse>(ToGrpcStatus(status));
}

grpc::ServerUnaryReactor* PagemapService::SummarizePages(grpc::CallbackServerContext* call,
                                                         const v1::SummarizePagesRequest* request,
                                                         v1::SummarizePagesResponse* response) {
  absl::StatusOr<ScanRequest> scan = ValidateSummary(*request, context_.limits);
  if (!scan.ok()) return Refuse(call, "SummarizePages", scan.status());
  if (scan->spec.folios && !IsActive(context_.sources, "bpf")) {
    return Refuse(call, "SummarizePages",
                  absl::FailedPreconditionError("the sizes of folios take the source bpf, which is "
                                                "not active: see GetCapabilities"));
  }
  const uint64_t listed = request->include_mappings() ? context_.limits.max_summarized_bytes : 0;
  absl::StatusOr<Admitted> admitted = Admit(*call, *request, kScanBytes + listed);
  if (!admitted.ok()) return Refuse(call, "SummarizePages", admitted.status());
  spdlog::debug("summary targets={}", request->targets_size());
  const AccessCheck check = context_.access->InspectCheck(admitted->rights, pids_);
  for (TargetQuery& target : scan->targets) target.access = check;
  return SummaryCall::Start(*context_.environment, WatchReader(call, admitted->by),
                            std::move(admitted->lane), *std::move(scan),
                            request->include_mappings(), context_.limits,
                            std::move(admitted->ticket), response);
}

grpc::ServerUnaryReactor* PagemapService::RevalidatePages(grpc::CallbackServerContext* call,
                                                          const v1::RevalidatePagesRequest* request,
                                                          v1::RevalidatePagesResponse* response) {
  absl::StatusOr<RevalidationRequest> parsed = ValidateRevalidation(*request, context_.limits);
  if (!parsed.ok()) return Refuse(call, "RevalidatePages", parsed.status());
  absl::StatusOr<Admitted> admitted = Admit(*call, *request, kScanBytes);
  if (!admitted.ok()) return Refuse(call, "RevalidatePages", admitted.status());
  const bool asks_for_locations =
      std::any_of(parsed->extents.begin(), parsed->extents.end(),
                  [](const ExpectedExtent& each) { return each.extent.first.has_location(); });
  parsed->target.access = asks_for_locations
                              ? context_.access->LocationsCheck(admitted->rights, pids_)
                              : context_.access->InspectCheck(admitted->rights, pids_);
  UnaryReply* reply = ReplyTo(call, *admitted, *response);
  std::make_shared<Revalidation>(
      *context_.environment, std::move(admitted->lane), *std::move(parsed),
      [call] { return call->IsCancelled(); },
      [reply, response,
       pid = request->process().pid()](const Revalidation::Outcome& outcome) mutable {
        response->mutable_process()->set_pid(pid);
        response->mutable_process()->set_start_time_ticks(outcome.start_time_ticks);
        response->set_holds(outcome.holds);
        response->set_held_extents(outcome.held_extents);
        response->set_held_pages(outcome.held_pages);
        response->set_asked_pages(outcome.asked_pages);
        response->set_scan_begin_ns(outcome.scan_begin_ns);
        response->set_scan_end_ns(outcome.scan_end_ns);
        response->set_mappings_changed(outcome.mappings_changed);
        reply->Send(outcome.status);
      })
      ->Start();
  return reply;
}

grpc::ServerWriteReactor<v1::PageOutResponse>* PagemapService::PageOut(
    grpc::CallbackServerContext* call, const v1::PageOutRequest* request) {
  absl::StatusOr<PageOutRequest> page_out = ValidatePageOut(*request, context_.limits);
  absl::Status status = page_out.status();
  if (status.ok()) status = CanPageOut(*context_.environment, *request);
  if (status.ok()) {
    absl::StatusOr<Admitted> admitted = Admit(*call, *request, kScanBytes);
    if (admitted.ok()) {
      page_out->access = context_.access->PageOutCheck(admitted->rights, pids_);
      std::shared_ptr<Reader> reader = WatchReader(call, admitted->by);
      return PageOutCall::Start(context_, std::move(reader), std::move(admitted->lane),
                                *std::move(page_out), request->max_pages_per_second(),
                                {ToString(admitted->rights->caller()), std::move(admitted->by)},
                                std::move(admitted->ticket));
    }
    status = admitted.status();
  }
  LogRefused("PageOut", status);
  return new RefusedStream<v1::PageOutResponse>(ToGrpcStatus(status));
}

}  // namespace pagemapd
