#include "daemon/service/summary_call.h"

#include <cstddef>
#include <utility>

#include "daemon/service/proto_conversion.h"

namespace pagemapd {
namespace {

void Add(const SwapTypeCounts& from, SwapTypeCounts* to) {
  for (size_t type = 0; type < from.size(); ++type) (*to)[type] += from[type];
}

}  // namespace

SummaryCall* SummaryCall::Start(const ScanEnvironment& environment, std::shared_ptr<Reader> reader,
                                TaskLane lane, ScanRequest request, bool include_mappings,
                                const Limits& limits, std::shared_ptr<Admission::Ticket> ticket,
                                v1::SummarizePagesResponse* response) {
  // Twice the chunks that are scanned at once, a start and an end.
  const size_t slots = 2 * lane.workers() + 2;
  auto call = std::make_shared<SummaryCall>(std::move(reader), include_mappings, limits,
                                            std::move(ticket), response);
  call->self_ = call;
  call->pipeline_ = std::make_shared<ScanPipeline>(environment, std::move(lane), request.spec,
                                                   std::move(request.targets), slots,
                                                   [weak = std::weak_ptr<SummaryCall>(call)] {
                                                     if (auto strong = weak.lock()) strong->Pump();
                                                   });
  SummaryCall* raw = call.get();
  call->pipeline_->Start();
  raw->Pump();
  return raw;
}

void SummaryCall::Pump() {
  {
    absl::MutexLock lock(&mutex_);
    if (finished_) return;
    ScanPipeline::Result result;
    while ((result = pipeline_->Take(&item_)) == ScanPipeline::Result::kItem) AddItem();
    if (result == ScanPipeline::Result::kPending) return;
    FillCounts(total_counts_, response_->mutable_total());
    FillSwapUse(total_swap_, response_->mutable_swap());
    FillFolios(total_folios_, response_->mutable_folios());
    finished_ = true;
    ticket_->AnswerIsReady(HeldBytes(*response_));
    reader_->WriteBegins();
  }
  Finish(grpc::Status::OK);
}

void SummaryCall::AddItem() {
  // A target that cannot be opened has no start.
  if (target_ == nullptr) {
    target_ = response_->add_targets();
    target_counts_ = PageCounts();
    target_swap_ = {};
    target_folios_ = {};
  }
  switch (item_.kind) {
    case ScanItem::Kind::kStart:
      target_->mutable_process()->set_pid(item_.pid);
      target_->mutable_process()->set_start_time_ticks(item_.start_time_ticks);
      break;
    case ScanItem::Kind::kChunk:
      target_counts_ += item_.output.counts;
      Add(item_.output.swap_types, &target_swap_);
      target_folios_ += item_.output.folios;
      if (include_mappings_) AddMappingCounts();
      break;
    case ScanItem::Kind::kEnd:
      FlushMapping();
      if (!item_.error.ok()) FillTargetError(item_.error, target_->mutable_error());
      target_->set_scan_begin_ns(item_.scan_begin_ns);
      target_->set_scan_end_ns(item_.scan_end_ns);
      target_->set_mappings_changed(item_.mappings_changed);
      FillCounts(target_counts_, target_->mutable_total());
      FillSwapUse(target_swap_, target_->mutable_swap());
      FillFolios(target_folios_, target_->mutable_folios());
      total_counts_ += target_counts_;
      Add(target_swap_, &total_swap_);
      total_folios_ += target_folios_;
      target_ = nullptr;
      break;
  }
}

void SummaryCall::AddMappingCounts() {
  const Segment& segment = *item_.chunk.segment;
  if (segment.is_of_object()) return;
  if (mapping_ == nullptr || mapping_->mapping().range().start() != segment.cut().start) {
    FlushMapping();
    if (mappings_ == limits_.max_summarized_mappings ||
        mapping_bytes_ > limits_.max_summarized_bytes) {
      target_->set_mappings_truncated(true);
      return;
    }
    ++mappings_;
    mapping_ = target_->add_mappings();
    FillMapping(segment.vma(), segment.kind(), mapping_->mutable_mapping());
    v1::Mapping* cut = mapping_->mutable_mapping();
    cut->set_offset_bytes(cut->offset_bytes() + (segment.cut().start - cut->range().start()));
    cut->mutable_range()->set_start(segment.cut().start);
    cut->mutable_range()->set_end(segment.cut().end);
    mapping_bytes_ += mapping_->SpaceUsedLong();
  }
  mapping_counts_ += item_.output.counts;
}

void SummaryCall::FlushMapping() {
  if (mapping_ != nullptr) FillCounts(mapping_counts_, mapping_->mutable_counts());
  mapping_counts_ = PageCounts();
  mapping_ = nullptr;
}

void SummaryCall::OnCancel() {
  pipeline_->Cancel();
  {
    absl::MutexLock lock(&mutex_);
    if (finished_) return;
    finished_ = true;
  }
  Finish(grpc::Status::CANCELLED);
}

void SummaryCall::OnDone() {
  reader_->CallEnds();
  pipeline_->Cancel();
  // Last: this may be the last reference.
  std::shared_ptr<SummaryCall> self = std::move(self_);
}

}  // namespace pagemapd
