#include "daemon/query/mapped_ranges.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"

namespace pagemapd {

absl::StatusOr<MappedRanges> MappedRanges::Open(const Process& process,
                                                absl::Span<const PageRange> ranges) {
  absl::StatusOr<UniqueFd> maps = process.Open("maps");
  if (!maps.ok()) return maps.status();
  return Over(*std::move(maps), process, ranges);
}

MappedRanges MappedRanges::Over(UniqueFd maps, const Process& process,
                                absl::Span<const PageRange> ranges) {
  return MappedRanges(MapsReader(std::move(maps), MapsReader::Format::kMaps,
                                 absl::StrCat("/proc/", process.pid(), "/maps")),
                      ranges);
}

absl::StatusOr<bool> MappedRanges::Next(Vma* vma, PageRange* cut) {
  while (true) {
    if (!ranges_.empty() && next_range_ == ranges_.size()) return false;
    if (rest_.Empty()) {
      absl::StatusOr<bool> more = reader_.Next(&vma_);
      if (!more.ok() || !*more) return more;
      rest_ = vma_.range;
    }
    if (ranges_.empty()) {
      *cut = rest_;
      rest_.start = rest_.end;
    } else {
      const PageRange& range = ranges_[next_range_];
      *cut = Intersect(rest_, range);
      if (range.end <= rest_.end) ++next_range_;
      // What lies below the range, and what was cut off, is done with.
      rest_.start = range.end < rest_.end ? std::max(rest_.start, range.end) : rest_.end;
    }
    if (cut->Empty()) continue;
    fingerprint_ = absl::HashOf(
        fingerprint_, cut->start, cut->end, vma_.readable, vma_.writable, vma_.executable,
        vma_.shared, vma_.offset_bytes + (cut->start - vma_.range.start), vma_.device, vma_.inode);
    *vma = vma_;
    return true;
  }
}

}  // namespace pagemapd
