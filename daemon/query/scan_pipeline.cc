#include "daemon/query/scan_pipeline.h"

#include <utility>

namespace pagemapd {

ScanPipeline::ScanPipeline(const ScanEnvironment& environment, TaskLane lane, const ScanSpec& spec,
                           std::vector<TargetQuery> targets, size_t slots,
                           std::function<void()> on_ready)
    : environment_(environment),
      lane_(std::move(lane)),
      spec_(spec),
      slots_(slots),
      on_ready_(std::move(on_ready)),
      targets_(std::move(targets)) {}

void ScanPipeline::Start() { SubmitPlanner(); }

void ScanPipeline::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
}

void ScanPipeline::SubmitPlanner() {
  {
    absl::MutexLock lock(&mutex_);
    if (planner_active_ || planned_all_ || cancelled_ || ring_.size() >= slots_) return;
    planner_active_ = true;
  }
  lane_.Submit([self = shared_from_this()](ChunkScanner& scanner) { self->Plan(scanner); });
}

void ScanPipeline::Plan(ChunkScanner& scanner) {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (cancelled_ || ring_.size() >= slots_) {
        planner_active_ = false;
        return;
      }
    }
    if (!PlanStep(scanner)) break;
  }
  bool notify;
  {
    absl::MutexLock lock(&mutex_);
    planner_active_ = false;
    planned_all_ = true;
    notify = waiting_ && ring_.empty();
    if (notify) waiting_ = false;
  }
  if (notify) on_ready_();
}

bool ScanPipeline::Failed(TargetState& target) {
  absl::MutexLock lock(&target.mutex);
  return !target.error.ok();
}

void ScanPipeline::Fail(TargetState& target, const absl::Status& error) {
  absl::MutexLock lock(&target.mutex);
  target.error.Update(error);
}

bool ScanPipeline::PlanStep(ChunkScanner& scanner) {
  if (planned_target_ == nullptr) {
    if (next_target_ == targets_.size()) return false;
    PlanTarget(next_target_++);
    return true;
  }
  TargetState& target = *planned_target_;
  const uint32_t index = next_target_ - 1;
  Chunk chunk;
  bool more = false;
  if (!Failed(target)) {
    absl::StatusOr<bool> next = target.scan->NextChunk(scanner.resolver(), &chunk);
    if (next.ok()) {
      more = *next;
    } else {
      Fail(target, next.status());
    }
  }
  if (!more) {
    std::shared_ptr<TargetState> ending = std::move(planned_target_);
    {
      absl::MutexLock lock(&mutex_);
      ending_.push_back(std::move(ending));
    }
    // Ready to be taken up: the last look at the target comes when all its chunks are taken.
    MarkReady(AddSlot(index, ScanItem::Kind::kEnd));
    return true;
  }
  Slot* slot = AddSlot(index, ScanItem::Kind::kChunk);
  slot->item.chunk = std::move(chunk);
  if (slot->item.chunk.known.has_value()) {
    // Nothing to scan: not worth a task.
    ChunkOutputWriter writer(target.scan->spec(), &slot->item.output);
    const PageRange& range = slot->item.chunk.range;
    if (environment_.statistics != nullptr) environment_.statistics->skipped_pages += range.Pages();
    writer.AppendAll(range.start, range.Pages(), *slot->item.chunk.known);
    MarkReady(slot);
    return true;
  }
  lane_.Submit([self = shared_from_this(), state = planned_target_, slot](ChunkScanner& scanner) {
    self->ScanSlot(*state, slot, scanner);
  });
  return true;
}

void ScanPipeline::PlanTarget(uint32_t index) {
  auto target = std::make_shared<TargetState>();
  target->begin_ns = MonotonicNanoseconds();
  auto scan = TargetScan::Open(environment_, spec_, std::move(targets_[index]));
  if (!scan.ok()) {
    Fail(*target, scan.status());
    absl::MutexLock lock(&mutex_);
    ending_.push_back(std::move(target));
  } else {
    target->scan = *std::move(scan);
    planned_target_ = std::move(target);
  }
  const bool opened = planned_target_ != nullptr;
  Slot* slot = AddSlot(index, opened ? ScanItem::Kind::kStart : ScanItem::Kind::kEnd);
  if (opened) {
    slot->item.pid = planned_target_->scan->process().pid();
    slot->item.start_time_ticks = planned_target_->scan->process().start_time_ticks();
    slot->item.redacts_locations = planned_target_->scan->redacts_locations();
    slot->item.redacts_frame_flags = planned_target_->scan->redacts_frame_flags();
  }
  MarkReady(slot);
}

void ScanPipeline::ScanSlot(TargetState& target, Slot* slot, ChunkScanner& scanner) {
  bool skip;
  {
    absl::MutexLock lock(&mutex_);
    skip = cancelled_;
  }
  if (!skip && !Failed(target)) {
    const uint64_t begin_ns = MonotonicNanoseconds();
    absl::Status status = scanner.Scan(*target.scan, slot->item.chunk, &slot->item.output);
    if (environment_.statistics != nullptr) {
      environment_.statistics->scanned_pages += slot->item.chunk.range.Pages();
      environment_.statistics->scan_ns += MonotonicNanoseconds() - begin_ns;
    }
    if (!status.ok()) {
      slot->item.output.Reset();
      Fail(target, status);
    }
  }
  MarkReady(slot);
}

void ScanPipeline::Finish(TargetState& target, Slot* slot) {
  if (!Failed(target)) {
    absl::StatusOr<bool> changed = target.scan->MappingsChanged();
    if (changed.ok()) {
      slot->item.mappings_changed = *changed;
    } else {
      Fail(target, changed.status());
    }
  }
  slot->item.scan_begin_ns = target.begin_ns;
  slot->item.scan_end_ns = MonotonicNanoseconds();
  // Every file descriptor of the target is closed before the client hears that it is done.
  target.scan.reset();
  absl::MutexLock lock(&target.mutex);
  slot->item.error = target.error;
}

ScanPipeline::Slot* ScanPipeline::AddSlot(uint32_t target_index, ScanItem::Kind kind) {
  absl::MutexLock lock(&mutex_);
  if (free_.empty()) free_.push_back(std::make_unique<Slot>());
  ring_.push_back(std::move(free_.back()));
  free_.pop_back();
  Slot* slot = ring_.back().get();
  slot->ready = false;
  slot->finishing = false;
  slot->item.output.Reset();
  slot->item.kind = kind;
  slot->item.target_index = target_index;
  slot->item.error = absl::OkStatus();
  slot->item.mappings_changed = false;
  return slot;
}

bool ScanPipeline::HeadIsReady() const { return !ring_.empty() && ring_.front()->ready; }

void ScanPipeline::MarkReady(Slot* slot) {
  bool notify;
  {
    absl::MutexLock lock(&mutex_);
    slot->ready = true;
    notify = waiting_ && HeadIsReady();
    if (notify) waiting_ = false;
  }
  if (notify) on_ready_();
}

ScanPipeline::Result ScanPipeline::Take(ScanItem* item) {
  // Of the item taken before: nothing of a target stays open on the consumer's account.
  item->chunk.segment.reset();
  {
    absl::MutexLock lock(&mutex_);
    if (ring_.empty() && planned_all_) return Result::kDone;
    if (!HeadIsReady()) {
      waiting_ = true;
      return Result::kPending;
    }
    Slot* head = ring_.front().get();
    if (head->item.kind == ScanItem::Kind::kEnd && !head->finishing) {
      head->finishing = true;
      head->ready = false;
      waiting_ = true;
      std::shared_ptr<TargetState> target = std::move(ending_.front());
      ending_.pop_front();
      lane_.Submit([self = shared_from_this(), target, head](ChunkScanner&) {
        self->Finish(*target, head);
        self->MarkReady(head);
      });
      return Result::kPending;
    }
    std::swap(*item, head->item);
    free_.push_back(std::move(ring_.front()));
    ring_.pop_front();
  }
  SubmitPlanner();
  return Result::kItem;
}

}  // namespace pagemapd
