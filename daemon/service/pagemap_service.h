#ifndef PAGEMAPD_DAEMON_SERVICE_PAGEMAP_SERVICE_H_
#define PAGEMAPD_DAEMON_SERVICE_PAGEMAP_SERVICE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/service/access/caller.h"
#include "daemon/service/access/caller_rights.h"
#include "daemon/service/access/connected_pids.h"
#include "daemon/service/admission.h"
#include "daemon/service/service_context.h"
#include "daemon/service/unary_reply.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// The gRPC service, as one caller gets it. Handlers only check the request and hand it to the
// worker pool: no gRPC thread ever reads /proc/PID.
class PagemapService final : public v1::PagemapService::CallbackService {
 public:
  // `context` must outlive the server. `caller` null: each call is of whom its TLS certificate
  // names. `pids` is for the log.
  PagemapService(const ServiceContext& context, std::shared_ptr<const Caller> caller,
                 std::shared_ptr<const ConnectedPids> pids)
      : context_(context), caller_(std::move(caller)), pids_(std::move(pids)) {}

  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* call,
                                            const v1::GetCapabilitiesRequest* request,
                                            v1::GetCapabilitiesResponse* response) override;
  grpc::ServerUnaryReactor* ListMappings(grpc::CallbackServerContext* call,
                                         const v1::ListMappingsRequest* request,
                                         v1::ListMappingsResponse* response) override;
  grpc::ServerUnaryReactor* ListSwapAreas(grpc::CallbackServerContext* call,
                                          const v1::ListSwapAreasRequest* request,
                                          v1::ListSwapAreasResponse* response) override;
  grpc::ServerWriteReactor<v1::QueryPagesResponse>* QueryPages(
      grpc::CallbackServerContext* call, const v1::QueryPagesRequest* request) override;
  grpc::ServerUnaryReactor* SummarizePages(grpc::CallbackServerContext* call,
                                           const v1::SummarizePagesRequest* request,
                                           v1::SummarizePagesResponse* response) override;
  grpc::ServerUnaryReactor* RevalidatePages(grpc::CallbackServerContext* call,
                                            const v1::RevalidatePagesRequest* request,
                                            v1::RevalidatePagesResponse* response) override;
  grpc::ServerWriteReactor<v1::PageOutResponse>* PageOut(
      grpc::CallbackServerContext* call, const v1::PageOutRequest* request) override;
  grpc::ServerUnaryReactor* GetStatistics(grpc::CallbackServerContext* call,
                                          const v1::GetStatisticsRequest* request,
                                          v1::GetStatisticsResponse* response) override;

 private:
  // Who asks, and what that one may now. UNAUTHENTICATED for a certificate that no grant names.
  absl::StatusOr<std::shared_ptr<const CallerRights>> RightsOf(
      const grpc::CallbackServerContext& call) const;

  // Ends a call that was not taken up, and logs why.
  grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* call, const char* rpc,
                                   const absl::Status& status) const;
  void LogRefused(const char* rpc, const absl::Status& status) const;

  // Who asks with a place for the call, and where its tasks go; or why there is no place.
  struct Admitted {
    std::shared_ptr<const CallerRights> rights;
    std::shared_ptr<Admission::Ticket> ticket;
    // Who asks, as fields of the log.
    std::string by;
    TaskLane lane;
  };
  absl::StatusOr<Admitted> Admit(const grpc::CallbackServerContext& call,
                                 const google::protobuf::Message& request, uint64_t answer_bytes);

  // Of a call that `by` made.
  std::shared_ptr<Reader> WatchReader(grpc::CallbackServerContext* call,
                                      const std::string& by) const;
  // For a call that was admitted, and for one that needs no place.
  UnaryReply* ReplyTo(grpc::CallbackServerContext* call, const Admitted& admitted,
                      const google::protobuf::Message& response) const;
  UnaryReply* ReplyTo(grpc::CallbackServerContext* call, const CallerRights& rights,
                      const google::protobuf::Message& response) const;
  // Who asks, as fields of the log.
  std::string Describe(const Caller& caller) const;

  const ServiceContext& context_;
  const std::shared_ptr<const Caller> caller_;
  const std::shared_ptr<const ConnectedPids> pids_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_PAGEMAP_SERVICE_H_
