#include "daemon/service/revalidation.h"

#include <algorithm>
#include <utility>

#include "daemon/page/page_size.h"
#include "daemon/query/scan_pipeline.h"

namespace pagemapd {

Revalidation::Revalidation(const ScanEnvironment& environment, TaskLane lane,
                           RevalidationRequest request, std::function<bool()> is_cancelled,
                           std::function<void(const Outcome&)> done)
    : environment_(environment),
      lane_(std::move(lane)),
      request_(std::move(request)),
      is_cancelled_(std::move(is_cancelled)),
      done_(std::move(done)),
      held_(request_.extents.size()) {}

void Revalidation::Start() {
  lane_.Submit([self = shared_from_this()](ChunkScanner& scanner) {
    self->outcome_.scan_begin_ns = MonotonicNanoseconds();
    auto scan =
        TargetScan::Open(self->environment_, self->request_.spec, std::move(self->request_.target));
    if (!scan.ok()) {
      self->Finish(scan.status());
      return;
    }
    self->scan_ = *std::move(scan);
    self->outcome_.start_time_ticks = self->scan_->process().start_time_ticks();
    self->Step(scanner);
  });
}

void Revalidation::Step(ChunkScanner& scanner) {
  if (is_cancelled_()) {
    Finish(absl::CancelledError("the caller went away"));
    return;
  }
  absl::StatusOr<bool> more = ScanNextChunk(scanner);
  if (more.ok() && *more) {
    lane_.Submit([self = shared_from_this()](ChunkScanner& next) { self->Step(next); });
    return;
  }
  Finish(more.status());
}

absl::StatusOr<bool> Revalidation::ScanNextChunk(ChunkScanner& scanner) {
  Chunk chunk;
  absl::StatusOr<bool> more = scan_->NextChunk(scanner.resolver(), &chunk);
  if (!more.ok() || !*more) return more;
  if (chunk.known.has_value()) {
    CompareKnown(chunk.range, *chunk.known);
    return true;
  }
  for (uint64_t start = chunk.range.start; start < chunk.range.end;) {
    const PageRange block = {
        start, start + std::min(ChunkScanner::kBlockPages << kPageShift, chunk.range.end - start)};
    auto records = scanner.ScanBlock(*scan_, *chunk.segment, block);
    if (!records.ok()) return records.status();
    Compare(block, *records);
    start = block.end;
  }
  return true;
}

template <typename Visit>
void Revalidation::ForEachExtent(PageRange range, Visit visit) {
  const auto& extents = request_.extents;
  while (first_extent_ < extents.size() && extents[first_extent_].extent.End() <= range.start) {
    ++first_extent_;
  }
  for (size_t i = first_extent_; i < extents.size() && extents[i].extent.start < range.end; ++i) {
    const Extent& extent = extents[i].extent;
    visit(i, extent, Intersect(range, {extent.start, extent.End()}));
  }
}

void Revalidation::Compare(PageRange block, absl::Span<const PageRecord> records) {
  ForEachExtent(block, [&](size_t i, const Extent& extent, PageRange overlap) {
    const uint64_t mask = extent.first.has_location() ? PageRecord::kLocationMask : 0;
    const size_t first = (overlap.start - block.start) >> kPageShift;
    const uint64_t skipped = (overlap.start - extent.start) >> kPageShift;
    for (uint64_t page = 0; page < overlap.Pages(); ++page) {
      held_[i] += records[first + page].Only(mask) == extent.first.Advance(skipped + page);
    }
  });
}

void Revalidation::CompareKnown(PageRange range, PageRecord known) {
  ForEachExtent(range, [&](size_t i, const Extent& extent, PageRange overlap) {
    if (!extent.first.has_location() && extent.first.state() == known.state()) {
      held_[i] += overlap.Pages();
    }
  });
}

void Revalidation::Finish(const absl::Status& status) {
  outcome_.status = status;
  if (status.ok()) {
    absl::StatusOr<bool> changed = scan_->MappingsChanged();
    outcome_.status = changed.status();
    outcome_.mappings_changed = changed.value_or(false);
  }
  outcome_.holds.assign((held_.size() + 7) / 8, '\0');
  for (size_t i = 0; i < held_.size(); ++i) {
    const ExpectedExtent& expected = request_.extents[i];
    outcome_.asked_pages += expected.extent.pages;
    outcome_.held_pages += held_[i];
    if (held_[i] != expected.extent.pages) continue;
    ++outcome_.held_extents;
    outcome_.holds[expected.index / 8] |= 1 << (expected.index % 8);
  }
  outcome_.scan_end_ns = MonotonicNanoseconds();
  // Every file descriptor of the target is closed before the client hears that it is done.
  scan_.reset();
  done_(outcome_);
}

}  // namespace pagemapd
