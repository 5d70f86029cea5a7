#ifndef PAGEMAPD_DAEMON_SERVICE_REVALIDATION_H_
#define PAGEMAPD_DAEMON_SERVICE_REVALIDATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/query/chunk_scanner.h"
#include "daemon/query/target_scan.h"
#include "daemon/query/worker_pool.h"
#include "daemon/service/request_validation.h"

namespace pagemapd {

// Looks at the pages of some extents again and counts which still are what the extents say. Runs
// on the pool a chunk at a time, so that it holds up no other scan for longer than that.
class Revalidation : public std::enable_shared_from_this<Revalidation> {
 public:
  struct Outcome {
    absl::Status status;
    uint64_t start_time_ticks = 0;
    // Bit I: extent I of the request holds.
    std::string holds;
    uint64_t held_extents = 0;
    uint64_t held_pages = 0;
    uint64_t asked_pages = 0;
    uint64_t scan_begin_ns = 0;
    uint64_t scan_end_ns = 0;
    bool mappings_changed = false;
  };

  // `environment` must outlive the run. `is_cancelled` is asked between chunks, `done`
  // is called once, from a worker.
  Revalidation(const ScanEnvironment& environment, TaskLane lane, RevalidationRequest request,
               std::function<bool()> is_cancelled, std::function<void(const Outcome&)> done);

  void Start();

 private:
  void Step(ChunkScanner& scanner);
  // True when there is more to look at.
  absl::StatusOr<bool> ScanNextChunk(ChunkScanner& scanner);
  void Compare(PageRange block, absl::Span<const PageRecord> records);
  void CompareKnown(PageRange range, PageRecord known);
  void Finish(const absl::Status& status);
  // Calls `visit(extent, overlap)` for each extent that overlaps `range`.
  template <typename Visit>
  void ForEachExtent(PageRange range, Visit visit);

  const ScanEnvironment& environment_;
  const TaskLane lane_;
  RevalidationRequest request_;
  const std::function<bool()> is_cancelled_;
  const std::function<void(const Outcome&)> done_;
  std::shared_ptr<TargetScan> scan_;
  // Pages that hold, for each extent in the order of request_.extents.
  std::vector<uint64_t> held_;
  // The first extent that does not end before what is looked at.
  size_t first_extent_ = 0;
  Outcome outcome_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_REVALIDATION_H_
