#ifndef PAGEMAPD_DAEMON_SERVICE_QUERY_STREAM_H_
#define PAGEMAPD_DAEMON_SERVICE_QUERY_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/page/page_counts.h"
#include "daemon/query/extent_builder.h"
#include "daemon/query/scan_pipeline.h"
#include "daemon/query/segment.h"
#include "daemon/service/admission.h"
#include "daemon/service/request_validation.h"
#include "daemon/service/service_context.h"
#include "daemon/service/slow_readers.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// One QueryPages call: takes what the pipeline has ready, one message at a time, and writes the
// next only when the last is out. A client that does not read thus stops its own scan.
//
// Extents are joined across chunks: the last of what was taken is held back until it is known how
// the next chunk begins.
class QueryStream : public grpc::ServerWriteReactor<v1::QueryPagesResponse>,
                    public std::enable_shared_from_this<QueryStream> {
 public:
  // Starts the scan. The stream owns itself until gRPC is done with it.
  static QueryStream* Start(const ServiceContext& context, std::shared_ptr<Reader> reader,
                            TaskLane lane, ScanRequest request,
                            std::shared_ptr<Admission::Ticket> ticket);

  QueryStream(const ServiceContext& context, std::shared_ptr<Reader> reader,
              std::shared_ptr<Admission::Ticket> ticket)
      : ticket_(std::move(ticket)), context_(context), reader_(std::move(reader)) {}

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // Writes a message if there is enough to write and none is being written, or ends the call.
  void Pump();
  void WriteDone(bool ok);
  // Fills message_ with what is ready. True when the pipeline has no more.
  bool FillMessage() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddItem() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddExtents() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FlushHeldExtent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::PageChunk* AddChunk(uint32_t target_index, const Segment& segment, uint64_t start)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Its place is given back before the end is sent: a caller that has its answer finds it free. Of
  // a cancelled call the lane keeps it until no worker is at it any more.
  const std::shared_ptr<Admission::Ticket> ticket_;
  const ServiceContext& context_;
  const std::shared_ptr<Reader> reader_;
  // Keeps the stream alive until OnDone; workers hold it only weakly.
  std::shared_ptr<QueryStream> self_;
  std::shared_ptr<ScanPipeline> pipeline_;

  absl::Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // The message being written, or being filled.
  v1::QueryPagesResponse message_;
  size_t message_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_write_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  // The item being put into messages, and how many of its extents are.
  ScanItem item_ ABSL_GUARDED_BY(mutex_);
  bool has_item_ ABSL_GUARDED_BY(mutex_) = false;
  size_t next_extent_ ABSL_GUARDED_BY(mutex_) = 0;
  Extent held_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Segment> held_segment_ ABSL_GUARDED_BY(mutex_);
  uint32_t held_target_ ABSL_GUARDED_BY(mutex_) = 0;
  // The last chunk of message_ that has extents, and their segment; null if there is none.
  v1::PageChunk* open_chunk_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::shared_ptr<const Segment> open_segment_ ABSL_GUARDED_BY(mutex_);
  PageCounts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_QUERY_STREAM_H_
