#include "daemon/reclaim/mapping_watch.h"

#include "absl/status/statusor.h"
#include "daemon/page/page_size.h"
#include "daemon/query/mapped_ranges.h"
#include "daemon/query/scan_pipeline.h"

namespace pagemapd {

void MappingWatch::Begin(const Segment& segment) {
  segment_ = &segment;
  seen_ns_ = MonotonicNanoseconds();
}

absl::Status MappingWatch::Look(const Process& process, PageRange block) {
  next_ = 0;
  same_ = {block};
  if (MonotonicNanoseconds() - seen_ns_ < kHoldsNanoseconds) return absl::OkStatus();
  same_.clear();
  seen_ns_ = 0;
  const PageRange ranges[] = {block};
  absl::StatusOr<MappedRanges> mapped = MappedRanges::Open(process, ranges);
  if (!mapped.ok()) return mapped.status();
  const Vma& was = segment_->vma();
  Vma vma;
  PageRange cut;
  while (true) {
    absl::StatusOr<bool> more = mapped->Next(&vma, &cut);
    if (!more.ok()) return more.status();
    if (!*more) break;
    const uint64_t index = (vma.offset_bytes + (cut.start - vma.range.start)) >> kPageShift;
    const bool is_same = vma.device == was.device && vma.inode == was.inode &&
                         vma.shared == was.shared &&
                         (!was.has_object() || index == segment_->ObjectIndex(cut.start));
    if (!is_same) continue;
    // It may have been split meanwhile.
    if (!same_.empty() && same_.back().end == cut.start) {
      same_.back().end = cut.end;
    } else {
      same_.push_back(cut);
    }
  }
  // What is not what it was is looked at each time.
  if (same_.size() == 1 && same_[0] == block) seen_ns_ = MonotonicNanoseconds();
  return absl::OkStatus();
}

bool MappingWatch::Holds(uint64_t address) {
  while (next_ < same_.size() && same_[next_].end <= address) ++next_;
  return next_ < same_.size() && same_[next_].start <= address;
}

}  // namespace pagemapd
