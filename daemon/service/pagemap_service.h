#ifndef PAGEMAPD_DAEMON_SERVICE_PAGEMAP_SERVICE_H_
#define PAGEMAPD_DAEMON_SERVICE_PAGEMAP_SERVICE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/bpf/swap_table.h"
#include "daemon/query/target_scan.h"
#include "daemon/query/worker_pool.h"
#include "daemon/service/admission.h"
#include "daemon/service/limits.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// The gRPC service. Handlers only check the request and hand it to the worker pool: no gRPC thread
// ever reads /proc.
class PagemapService final : public v1::PagemapService::CallbackService {
 public:
  // How sources were chosen at start, for GetCapabilities.
  struct SourceChoice {
    std::string name;
    bool available = false;
    bool active = false;
    std::string detail;
  };

  // `environment`, `pool` and `swap_table`, which may be null, must outlive the server. `on_idle`
  // is called, from any thread, each time the last scan under way has ended.
  PagemapService(const ScanEnvironment& environment, WorkerPool& pool, const SwapTable* swap_table,
                 const Limits& limits, std::vector<SourceChoice> sources,
                 std::function<void()> on_idle)
      : environment_(environment),
        pool_(pool),
        swap_table_(swap_table),
        limits_(limits),
        sources_(std::move(sources)),
        admission_(MaxScans(limits), std::move(on_idle)) {}

  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* context,
                                            const v1::GetCapabilitiesRequest* request,
                                            v1::GetCapabilitiesResponse* response) override;
  grpc::ServerUnaryReactor* ListMappings(grpc::CallbackServerContext* context,
                                         const v1::ListMappingsRequest* request,
                                         v1::ListMappingsResponse* response) override;
  grpc::ServerUnaryReactor* ListSwapAreas(grpc::CallbackServerContext* context,
                                          const v1::ListSwapAreasRequest* request,
                                          v1::ListSwapAreasResponse* response) override;
  grpc::ServerWriteReactor<v1::QueryPagesResponse>* QueryPages(
      grpc::CallbackServerContext* context, const v1::QueryPagesRequest* request) override;
  grpc::ServerUnaryReactor* SummarizePages(grpc::CallbackServerContext* context,
                                           const v1::SummarizePagesRequest* request,
                                           v1::SummarizePagesResponse* response) override;
  grpc::ServerUnaryReactor* RevalidatePages(grpc::CallbackServerContext* context,
                                            const v1::RevalidatePagesRequest* request,
                                            v1::RevalidatePagesResponse* response) override;
  grpc::ServerWriteReactor<v1::PageOutResponse>* PageOut(
      grpc::CallbackServerContext* context, const v1::PageOutRequest* request) override;

 private:
  const ScanEnvironment& environment_;
  WorkerPool& pool_;
  const SwapTable* const swap_table_;
  const Limits limits_;
  const std::vector<SourceChoice> sources_;
  Admission admission_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_PAGEMAP_SERVICE_H_
