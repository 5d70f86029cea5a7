#include "daemon/service/query_stream.h"

#include <algorithm>
#include <utility>

#include "daemon/page/page_size.h"
#include "daemon/service/limits.h"
#include "daemon/service/proto_conversion.h"

namespace pagemapd {
namespace {

// A message is sent once it holds this much, as far as can be told without serializing it.
constexpr size_t kMessageBytes = 128 << 10;
// A message that holds less waits for the next chunk, unless the last one went out this long ago:
// where memory is sparse, chunks are short and many.
constexpr size_t kSmallMessageBytes = 8 << 10;
constexpr uint64_t kHoldNanoseconds = 1'000'000;
// An extent on the wire, at worst.
constexpr size_t kExtentBytes = 48;
constexpr size_t kChunkBytes = 64;

}  // namespace

QueryStream* QueryStream::Start(const ServiceContext& context, std::shared_ptr<Reader> reader,
                                TaskLane lane, ScanRequest request,
                                std::shared_ptr<Admission::Ticket> ticket) {
  auto stream = std::make_shared<QueryStream>(context, std::move(reader), std::move(ticket));
  stream->self_ = stream;
  // Two for each worker, so that none waits for the one before it, and one for what waits to be
  // taken; as many as kScanBytes has room for.
  const size_t slots = std::min<size_t>(2 * lane.workers() + 1, kMaxScanSlots);
  stream->pipeline_ = std::make_shared<ScanPipeline>(
      *context.environment, std::move(lane), request.spec, std::move(request.targets), slots,
      [weak = std::weak_ptr<QueryStream>(stream)] {
        if (auto strong = weak.lock()) strong->Pump();
      });
  QueryStream* raw = stream.get();
  stream->pipeline_->Start();
  raw->Pump();
  return raw;
}

void QueryStream::Pump() {
  bool finish = false;
  bool cancelled;
  {
    absl::MutexLock lock(&mutex_);
    if (writing_ || finished_) return;
    cancelled = cancelled_;
    if (cancelled) {
      finish = true;
    } else {
      const bool done = FillMessage();
      const uint64_t now = MonotonicNanoseconds();
      if (message_bytes_ == 0) {
        if (!done) return;
        finish = true;
      } else if (done || message_bytes_ >= kSmallMessageBytes ||
                 now - last_write_ns_ >= kHoldNanoseconds) {
        writing_ = true;
        last_write_ns_ = now;
      } else {
        return;
      }
    }
    finished_ = finish;
  }
  if (finish) {
    if (!cancelled) {
      // The last message, as bytes.
      ticket_->AnswerIsReady(2 * kMessageBytes);
      reader_->WriteBegins();
    }
    Finish(cancelled ? grpc::Status::CANCELLED : grpc::Status::OK);
  } else {
    reader_->WriteBegins();
    StartWrite(&message_);
  }
}

bool QueryStream::FillMessage() {
  while (message_bytes_ < kMessageBytes) {
    if (!has_item_) {
      switch (pipeline_->Take(&item_)) {
        case ScanPipeline::Result::kPending:
          return false;
        case ScanPipeline::Result::kDone:
          return true;
        case ScanPipeline::Result::kItem:
          has_item_ = true;
          next_extent_ = 0;
          break;
      }
    }
    AddItem();
  }
  return false;
}

void QueryStream::AddItem() {
  switch (item_.kind) {
    case ScanItem::Kind::kStart: {
      v1::TargetStart* start = message_.add_starts();
      start->set_target_index(item_.target_index);
      start->mutable_process()->set_pid(item_.pid);
      start->mutable_process()->set_start_time_ticks(item_.start_time_ticks);
      if (item_.redacts_locations) start->add_redacted(v1::PAGE_FIELD_LOCATION);
      if (item_.redacts_frame_flags) start->add_redacted(v1::PAGE_FIELD_FRAME_FLAGS);
      if (start->redacted_size() > 0) context_.access->CountRedaction();
      message_bytes_ += kChunkBytes;
      counts_ = PageCounts();
      break;
    }
    case ScanItem::Kind::kChunk: {
      if (next_extent_ < item_.output.extents.size()) {
        AddExtents();
        if (next_extent_ < item_.output.extents.size()) return;
      }
      counts_ += item_.output.counts;
      if (item_.output.bytes.empty() && !item_.output.uniform.has_value()) break;
      v1::PageChunk* chunk =
          AddChunk(item_.target_index, *item_.chunk.segment, item_.chunk.range.start);
      chunk->set_pages(item_.chunk.range.Pages());
      if (item_.output.uniform.has_value()) {
        chunk->set_uniform(*item_.output.uniform);
      } else {
        message_bytes_ += item_.output.bytes.size();
        const bool packed = item_.output.bytes.size() >= chunk->pages() * sizeof(uint64_t);
        // Swapped, so that the storage goes back to the pipeline when the message is cleared.
        (packed ? chunk->mutable_packed() : chunk->mutable_bitmap())->swap(item_.output.bytes);
      }
      break;
    }
    case ScanItem::Kind::kEnd: {
      FlushHeldExtent();
      open_segment_.reset();
      v1::TargetEnd* end = message_.add_ends();
      end->set_target_index(item_.target_index);
      if (!item_.error.ok()) FillTargetError(item_.error, end->mutable_error());
      end->set_scan_begin_ns(item_.scan_begin_ns);
      end->set_scan_end_ns(item_.scan_end_ns);
      end->set_mappings_changed(item_.mappings_changed);
      FillCounts(counts_, end->mutable_counts());
      counts_ = PageCounts();
      message_bytes_ += 2 * kChunkBytes;
      break;
    }
  }
  has_item_ = false;
}

void QueryStream::AddExtents() {
  const std::shared_ptr<const Segment>& segment = item_.chunk.segment;
  while (next_extent_ < item_.output.extents.size() && message_bytes_ < kMessageBytes) {
    const Extent& extent = item_.output.extents[next_extent_++];
    if (held_segment_ == segment && held_.Join(extent)) continue;
    FlushHeldExtent();
    held_ = extent;
    held_segment_ = segment;
    held_target_ = item_.target_index;
  }
}

void QueryStream::FlushHeldExtent() {
  if (held_segment_ == nullptr) return;
  if (open_chunk_ == nullptr || open_segment_ != held_segment_) {
    open_chunk_ = AddChunk(held_target_, *held_segment_, held_.start);
    open_segment_ = held_segment_;
  }
  FillExtent(held_, open_chunk_->add_extents());
  open_chunk_->set_pages((held_.End() - open_chunk_->start()) >> kPageShift);
  message_bytes_ += kExtentBytes;
  held_segment_.reset();
}

v1::PageChunk* QueryStream::AddChunk(uint32_t target_index, const Segment& segment,
                                     uint64_t start) {
  v1::PageChunk* chunk = message_.add_chunks();
  chunk->set_target_index(target_index);
  chunk->set_start(start);
  if (segment.vma().has_object()) {
    FillObject(segment.vma(), chunk->mutable_object());
    chunk->set_object_index(segment.ObjectIndex(start));
  }
  message_bytes_ += kChunkBytes;
  return chunk;
}

void QueryStream::OnWriteDone(bool ok) {
  if (reader_->WriteEnds([self = shared_from_this(), ok] { self->WriteDone(ok); })) WriteDone(ok);
}

void QueryStream::WriteDone(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) cancelled_ = true;
    message_.Clear();
    message_bytes_ = 0;
    open_chunk_ = nullptr;
    open_segment_.reset();
  }
  Pump();
}

void QueryStream::OnCancel() {
  pipeline_->Cancel();
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
  }
  Pump();
}

void QueryStream::OnDone() {
  reader_->CallEnds();
  pipeline_->Cancel();
  // Last: this may be the last reference.
  std::shared_ptr<QueryStream> self = std::move(self_);
}

}  // namespace pagemapd
