#ifndef PAGEMAPD_DAEMON_QUERY_SCAN_PIPELINE_H_
#define PAGEMAPD_DAEMON_QUERY_SCAN_PIPELINE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "daemon/page/page_range.h"
#include "daemon/query/chunk_output.h"
#include "daemon/query/monotonic_time.h"
#include "daemon/query/scan_spec.h"
#include "daemon/query/target_scan.h"
#include "daemon/query/worker_pool.h"

namespace pagemapd {

// One step of the answer. Per target: kStart (only if it could be opened), its kChunks in address
// order, kEnd.
struct ScanItem {
  enum class Kind { kStart, kChunk, kEnd };

  Kind kind = Kind::kStart;
  uint32_t target_index = 0;
  // kStart: the process found.
  pid_t pid = 0;
  uint64_t start_time_ticks = 0;
  // kStart: what was asked for and is not told.
  bool redacts_locations = false;
  bool redacts_frame_flags = false;
  // kChunk.
  Chunk chunk;
  ChunkOutput output;
  // kEnd: CLOCK_MONOTONIC in nanoseconds; a TargetError if the target was not answered in full.
  absl::Status error;
  uint64_t scan_begin_ns = 0;
  uint64_t scan_end_ns = 0;
  bool mappings_changed = false;
};

// Scans targets one after the other, the chunks of each on all workers at once, and hands the
// results out in order. At most `slots` chunks are planned, being scanned, or waiting to be taken:
// a consumer that does not take stalls this scan and holds up no worker.
//
//   planned -> scanned (any order) -> taken (in order); taking one frees a slot for the next
//
// Safe for any thread, but Take is for one at a time. Dropping the last reference, or Cancel,
// ends the scan at the next chunk.
class ScanPipeline : public std::enable_shared_from_this<ScanPipeline> {
 public:
  // `environment` must outlive every task. `on_ready` is called, from a worker, when Take has
  // returned kPending and would not any more.
  ScanPipeline(const ScanEnvironment& environment, TaskLane lane, const ScanSpec& spec,
               std::vector<TargetQuery> targets, size_t slots, std::function<void()> on_ready);

  void Start();

  enum class Result { kItem, kPending, kDone };
  // Swaps the next item into `item`, whose storage is used again.
  Result Take(ScanItem* item);

  void Cancel();

 private:
  struct Slot {
    ScanItem item;
    bool ready = false;
    // kEnd only: the last look at the target has been submitted.
    bool finishing = false;
  };
  // What the chunks of one target share.
  struct TargetState {
    std::shared_ptr<TargetScan> scan;
    uint64_t begin_ns = 0;
    absl::Mutex mutex;
    absl::Status error ABSL_GUARDED_BY(mutex);
  };

  static bool Failed(TargetState& target);
  // The first error stands.
  static void Fail(TargetState& target, const absl::Status& error);

  void SubmitPlanner();
  void Plan(ChunkScanner& scanner);
  // One step of planning; false when everything is planned.
  bool PlanStep(ChunkScanner& scanner);
  void PlanTarget(uint32_t index);
  void ScanSlot(TargetState& target, Slot* slot, ChunkScanner& scanner);
  void Finish(TargetState& target, Slot* slot);
  Slot* AddSlot(uint32_t target_index, ScanItem::Kind kind);
  void MarkReady(Slot* slot);
  bool HeadIsReady() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ScanEnvironment& environment_;
  const TaskLane lane_;
  const ScanSpec spec_;
  const size_t slots_;
  const std::function<void()> on_ready_;

  // The planner's own: one planner runs at a time.
  std::vector<TargetQuery> targets_;
  uint32_t next_target_ = 0;
  std::shared_ptr<TargetState> planned_target_;

  absl::Mutex mutex_;
  std::deque<std::unique_ptr<Slot>> ring_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Slot>> free_ ABSL_GUARDED_BY(mutex_);
  // Whose kEnd is in the ring.
  std::deque<std::shared_ptr<TargetState>> ending_ ABSL_GUARDED_BY(mutex_);
  bool planner_active_ ABSL_GUARDED_BY(mutex_) = false;
  bool planned_all_ ABSL_GUARDED_BY(mutex_) = false;
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_SCAN_PIPELINE_H_
