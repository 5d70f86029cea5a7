#ifndef PAGEMAPD_DAEMON_SERVICE_SUMMARY_CALL_H_
#define PAGEMAPD_DAEMON_SERVICE_SUMMARY_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/page/folio_counts.h"
#include "daemon/page/page_counts.h"
#include "daemon/query/scan_pipeline.h"
#include "daemon/service/admission.h"
#include "daemon/service/limits.h"
#include "daemon/service/request_validation.h"
#include "daemon/service/slow_readers.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// One SummarizePages call: adds up what the pipeline counts.
class SummaryCall : public grpc::ServerUnaryReactor,
                    public std::enable_shared_from_this<SummaryCall> {
 public:
  // Starts the scan. The call owns itself until gRPC is done with it; `response` lives as long.
  static SummaryCall* Start(const ScanEnvironment& environment, std::shared_ptr<Reader> reader,
                            TaskLane lane, ScanRequest request, bool include_mappings,
                            const Limits& limits, std::shared_ptr<Admission::Ticket> ticket,
                            v1::SummarizePagesResponse* response);

  SummaryCall(std::shared_ptr<Reader> reader, bool include_mappings, const Limits& limits,
              std::shared_ptr<Admission::Ticket> ticket, v1::SummarizePagesResponse* response)
      : reader_(std::move(reader)),
        ticket_(std::move(ticket)),
        include_mappings_(include_mappings),
        limits_(limits),
        response_(response) {}

  void OnCancel() override;
  void OnDone() override;

 private:
  // Takes what is ready, and ends the call after the last.
  void Pump();
  void AddItem() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddMappingCounts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FlushMapping() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<Reader> reader_;
  // Its place is given back before the end is sent: a caller that has its answer finds it free. Of
  // a cancelled call the lane keeps it until no worker is at it any more.
  const std::shared_ptr<Admission::Ticket> ticket_;
  std::shared_ptr<SummaryCall> self_;
  std::shared_ptr<ScanPipeline> pipeline_;
  const bool include_mappings_;
  const Limits limits_;

  absl::Mutex mutex_;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  ScanItem item_ ABSL_GUARDED_BY(mutex_);
  v1::SummarizePagesResponse* response_;
  v1::TargetSummary* target_ ABSL_GUARDED_BY(mutex_) = nullptr;
  PageCounts target_counts_ ABSL_GUARDED_BY(mutex_);
  SwapTypeCounts target_swap_ ABSL_GUARDED_BY(mutex_){};
  FolioCounts target_folios_ ABSL_GUARDED_BY(mutex_);
  PageCounts total_counts_ ABSL_GUARDED_BY(mutex_);
  SwapTypeCounts total_swap_ ABSL_GUARDED_BY(mutex_){};
  FolioCounts total_folios_ ABSL_GUARDED_BY(mutex_);
  // The mapping whose chunks are being added up; its counts go out with its last chunk.
  v1::MappingSummary* mapping_ ABSL_GUARDED_BY(mutex_) = nullptr;
  PageCounts mapping_counts_ ABSL_GUARDED_BY(mutex_);
  uint32_t mappings_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t mapping_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_SUMMARY_CALL_H_
