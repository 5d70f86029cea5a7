#ifndef PAGEMAPD_DAEMON_SERVICE_PAGE_OUT_CALL_H_
#define PAGEMAPD_DAEMON_SERVICE_PAGE_OUT_CALL_H_

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/query/target_scan.h"
#include "daemon/query/worker_pool.h"
#include "daemon/reclaim/page_out.h"
#include "daemon/reclaim/page_out_pace.h"
#include "daemon/reclaim/page_out_request.h"
#include "daemon/service/admission.h"
#include "daemon/service/service_context.h"
#include "daemon/service/slow_readers.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// One PageOut call. At any time it is in one place: on a worker, writing, or waiting for its pace
// to allow more.
//
//   Work ──▶ write ──▶ (wait) ──▶ Work ... ──▶ last write ──▶ done
class PageOutCall : public grpc::ServerWriteReactor<v1::PageOutResponse>,
                    public std::enable_shared_from_this<PageOutCall> {
 public:
  // Who asked: the caller, and as fields of the log.
  struct Asker {
    std::string caller;
    std::string by;
  };

  // The call owns itself until gRPC is done with it. `max_pages_per_second` 0: no limit.
  static PageOutCall* Start(const ServiceContext& context, std::shared_ptr<Reader> reader,
                            TaskLane lane, PageOutRequest request, uint64_t max_pages_per_second,
                            Asker asker, std::shared_ptr<Admission::Ticket> ticket);

  PageOutCall(const ServiceContext& context, std::shared_ptr<Reader> reader, TaskLane lane,
              PageOutRequest request, uint64_t max_pages_per_second, Asker asker,
              std::shared_ptr<Admission::Ticket> ticket)
      : ticket_(std::move(ticket)),
        context_(context),
        lane_(std::move(lane)),
        reader_(std::move(reader)),
        request_(std::move(request)),
        pid_(request_.pid),
        is_dry_run_(request_.dry_run),
        asker_(std::move(asker)),
        pace_(max_pages_per_second) {}

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void Submit();
  // Steps until there is enough to tell, then writes it.
  void Work(ChunkScanner& scanner);
  absl::Status Open();
  // What is done so far; `more`: there is something left to do.
  void Write(bool more);
  void WriteDone(bool ok);
  void End(const absl::Status& error);
  void FinishCancelled();
  // The audit's lines. Of what pages nothing out there are only so many a caller: it could drown
  // the others.
  void LogBegin(size_t ranges);
  void LogEnd(const absl::Status& error);
  // What follows a line that may be there now.
  std::optional<std::string> MayLog(bool pages_out) const;

  // Its place is given back before the end is sent: a caller that has its answer finds it free.
  const std::shared_ptr<Admission::Ticket> ticket_;
  // Keeps the call alive until OnDone; workers hold it too.
  std::shared_ptr<PageOutCall> self_;
  const ServiceContext& context_;
  const TaskLane lane_;
  const std::shared_ptr<Reader> reader_;
  PageOutRequest request_;
  const pid_t pid_;
  const bool is_dry_run_;
  const Asker asker_;
  const PageOutPace pace_;
  std::unique_ptr<PageOut> page_out_;
  uint64_t begin_ns_ = 0;
  // When the pace allows the next step, by CLOCK_MONOTONIC.
  uint64_t next_ns_ = 0;
  std::atomic<bool> cancelled_{false};
  // Keeps setting the alarm and cancelling it apart.
  absl::Mutex mutex_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
  // The message being filled or written.
  v1::PageOutResponse message_;
  bool told_process_ = false;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_PAGE_OUT_CALL_H_
