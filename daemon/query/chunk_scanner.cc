#include "daemon/query/chunk_scanner.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/page/pagemap_decoder.h"
#include "daemon/query/target_error.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

constexpr size_t kRegions = 2048;
constexpr size_t kWords = 16 << 10;

absl::Status Internal(const absl::Status& error) {
  return TargetError(TargetErrorReason::kInternal, error.message());
}

void SettleRest(absl::Span<PageRecord> records, PageState state, PageSource source) {
  for (PageRecord& record : records) {
    if (record.unsettled()) record = PageRecord(state, source, record.flags());
  }
}

// Leaves to the page cache what a pagemap that is not relied on says of shared memory in swap. It
// may hide the place: then any entry that is a file's may be such a page.
void UnsettleMarker(bool locations, absl::Span<PageRecord> records) {
  for (PageRecord& record : records) {
    const bool is_hidden = !locations && record.state() == PageState::kUnknown &&
                           record.source() == PageSource::kPagemap &&
                           (record.flags() & kFlagFile) != 0;
    if (record.source() != PageSource::kMarker && !is_hidden) continue;
    record = PageRecord(PageState::kUnsettled, PageSource::kNone, record.flags() & ~kFlagFile);
  }
}

PageFlags FromKpf(uint64_t kpf) {
  const auto flag = [kpf](uint64_t from, PageFlags to) -> PageFlags { return kpf & from ? to : 0; };
  return flag(kKpfKsm, kFlagKsm) | flag(kKpfThp, kFlagThp) | flag(kKpfHuge, kFlagHugetlb) |
         flag(kKpfZeroPage, kFlagZero) | flag(kKpfDirty, kFlagDirty) |
         flag(kKpfReferenced, kFlagReferenced) | flag(kKpfIdle, kFlagIdle);
}

// Calls `visit(region)` for each region of `block` that has any of `any_of`, in order, until it
// returns false.
template <typename Visit>
absl::Status ForEachRegion(const TargetScan& scan, PageRange block, uint64_t any_of,
                           uint64_t return_mask, std::vector<PageRegion>* regions, Visit visit) {
  for (uint64_t position = block.start; position < block.end;) {
    const PagemapScanResult result = PagemapScan(scan.pagemap()->fd(), {position, block.end},
                                                 any_of, return_mask, 0, absl::MakeSpan(*regions));
    if (result.error != 0 && result.error != EINTR) {
      if (absl::Status status = scan.CheckProcess(); !status.ok()) return status;
      return Internal(ErrnoStatus(result.error, absl::StrCat("PAGEMAP_SCAN of ", ToString(block))));
    }
    for (size_t i = 0; i < result.regions; ++i) {
      if (!visit((*regions)[i])) return absl::OkStatus();
    }
    if (result.error == 0 && result.walk_end <= position) break;
    position = std::max(position, result.walk_end);
  }
  // The ioctl walks a dead address space without complaint, and finds nothing.
  return scan.CheckAddressSpace(block.start);
}

}  // namespace

ChunkScanner::ChunkScanner(ObjectResolver resolver)
    : resolver_(std::move(resolver)), records_(kBlockPages), regions_(kRegions), words_(kWords) {}

absl::Status ChunkScanner::Scan(const TargetScan& scan, const Chunk& chunk, ChunkOutput* output) {
  ChunkOutputWriter writer(scan.spec(), output);
  for (uint64_t start = chunk.range.start; start < chunk.range.end;) {
    const uint64_t end = start + std::min(kBlockPages << kPageShift, chunk.range.end - start);
    absl::StatusOr<absl::Span<const PageRecord>> records =
        ScanBlock(scan, *chunk.segment, {start, end});
    if (!records.ok()) return records.status();
    writer.Append(start, *records);
    if (scan.spec().folios && chunk.segment->object() != nullptr) {
      absl::Status status = resolver_.CountFolios(
          *chunk.segment->object(), chunk.segment->ObjectIndex(start), *records, &output->folios);
      if (!status.ok()) return Internal(status);
    }
    start = end;
  }
  writer.Finish();
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const PageRecord>> ChunkScanner::ScanBlock(const TargetScan& scan,
                                                                     const Segment& segment,
                                                                     PageRange block) {
  const absl::Span<PageRecord> records = absl::MakeSpan(records_).first(block.Pages());
  absl::Status status = scan.pagemap() == nullptr ? ReadObject(segment, block, records)
                                                  : ReadProcess(scan, segment, block, records);
  if (!status.ok()) return status;
  if (scan.spec().frame_flags) AddFrameFlags(scan, records);
  if (scan.spec().swap_cache && segment.object() != nullptr) {
    status = resolver_.MarkSwapCache(*segment.object(), segment.ObjectIndex(block.start), records);
    if (!status.ok()) return Internal(status);
  }
  return records;
}

absl::Status ChunkScanner::ReadObject(const Segment& segment, PageRange block,
                                      absl::Span<PageRecord> records) {
  const SharedObject* object = segment.object();
  if (object == nullptr) {
    std::fill(records.begin(), records.end(), PageRecord(PageState::kUnknown, PageSource::kNone));
    return absl::OkStatus();
  }
  absl::Status status = resolver_.Read(*object, segment.ObjectIndex(block.start), records);
  return status.ok() ? status : Internal(status);
}

absl::Status ChunkScanner::ReadProcess(const TargetScan& scan, const Segment& segment,
                                       PageRange block, absl::Span<PageRecord> records) {
  // The knob may be turned at any time. It is not seen if it is turned to and fro between the
  // looks, which takes root and a millisecond.
  const PagemapKnob* const knob = scan.marker_knob(segment);
  bool shows_swap = knob != nullptr && knob->IsFull();
  const bool by_entry =
      scan.spec().NeedsEntries() || segment.met_swap() || !scan.environment().features.pagemap_scan;
  absl::Status status =
      by_entry ? ReadEntries(scan, block, records) : ScanRegions(scan, segment, block, records);
  if (!status.ok()) return status;
  shows_swap = shows_swap && knob->IsFull();
  const KernelFeatures& features = scan.environment().features;
  // Of a private mapping it is not relied on for every page; of those that it shows it is right.
  if (!shows_swap && features.shmem_swap.ok() && segment.kind() == MappingKind::kShmem &&
      (knob != nullptr || !scan.environment().marker_knob.has_value())) {
    UnsettleMarker(features.locations, records);
  }
  return Resolve(scan, segment, block, shows_swap, records);
}

absl::Status ChunkScanner::ReadEntries(const TargetScan& scan, PageRange block,
                                       absl::Span<PageRecord> records) {
  // Entries are decoded in place: a record is a u64 as an entry is.
  uint64_t* entries = reinterpret_cast<uint64_t*>(records.data());
  absl::StatusOr<size_t> read =
      scan.pagemap()->Read(block.start, absl::MakeSpan(entries, records.size()));
  if (!read.ok()) return Internal(read.status());
  const SpecialSwapTypes& special = scan.environment().features.special_types;
  for (size_t i = 0; i < *read; ++i) {
    records[i] = DecodePagemapEntry(PagemapEntry(entries[i]), special);
  }
  if (*read == records.size()) return absl::OkStatus();
  // Mapped memory that pagemap does not show: the address space is gone, or it reaches past what
  // this kernel calls user memory.
  if (absl::Status status = scan.CheckAddressSpace(block.start); !status.ok()) return status;
  const absl::Span<PageRecord> rest = records.subspan(*read);
  std::fill(rest.begin(), rest.end(), PageRecord(PageState::kUnknown, PageSource::kPagemap));
  return absl::OkStatus();
}

absl::Status ChunkScanner::ScanRegions(const TargetScan& scan, const Segment& segment,
                                       PageRange block, absl::Span<PageRecord> records) {
  std::fill(records.begin(), records.end(), PageRecord());
  uint64_t swap_start = block.end;
  absl::Status status = ForEachRegion(
      scan, block, kPageIsPresent | kPageIsSwapped, kPageIsPresent | kPageIsSwapped | kPageIsFile,
      &regions_, [&](const PageRegion& region) {
        if (region.categories & kPageIsSwapped) {
          swap_start = region.start;
          return false;
        }
        const size_t first = (region.start - block.start) >> kPageShift;
        const size_t pages = (region.end - region.start) >> kPageShift;
        const PageFlags flags = region.categories & kPageIsFile ? kFlagFile : 0;
        std::fill_n(records.begin() + first, pages,
                    PageRecord(PageState::kMapped, PageSource::kPagemap, flags));
        return true;
      });
  if (!status.ok() || swap_start == block.end) return status;
  // "Swapped" to PAGEMAP_SCAN is every entry that is neither empty nor present: only the entry
  // itself tells. Where there is one there are more.
  segment.set_met_swap();
  const size_t first = (swap_start - block.start) >> kPageShift;
  return ReadEntries(scan, {swap_start, block.end}, records.subspan(first));
}

absl::Status ChunkScanner::Resolve(const TargetScan& scan, const Segment& segment, PageRange block,
                                   bool not_swapped, absl::Span<PageRecord> records) {
  if (not_swapped && scan.spec().TreatsUnswappedAlike()) return absl::OkStatus();
  if (std::none_of(records.begin(), records.end(),
                   [](PageRecord record) { return record.unsettled(); })) {
    return absl::OkStatus();
  }
  if (segment.kind() == MappingKind::kAnon) {
    SettleRest(records, PageState::kHole, PageSource::kPagemap);
    return absl::OkStatus();
  }
  const SharedObject* object = segment.object();
  if (object == nullptr) {
    SettleRest(records, PageState::kUnknown, PageSource::kNone);
    return absl::OkStatus();
  }
  const uint64_t index = segment.ObjectIndex(block.start);
  PageCacheProbe::Known known = {/*may_count=*/true, not_swapped};
  absl::StatusOr<bool> counted = resolver_.Resolve(*object, index, records, known);
  if (!counted.ok()) return Internal(counted.status());
  if (!*counted) return absl::OkStatus();
  absl::StatusOr<bool> still_mapped = StillMapped(scan, block, records);
  if (!still_mapped.ok()) return still_mapped.status();
  if (*still_mapped) return absl::OkStatus();
  // A mapped page went away while the cached ones were counted: ask again, without counting.
  for (PageRecord& record : records) {
    if (record.source() != PageSource::kPagemap && record.source() != PageSource::kMarker) {
      record = PageRecord(PageState::kUnsettled, PageSource::kNone, record.flags() & ~kFlagFile);
    }
  }
  known.may_count = false;
  counted = resolver_.Resolve(*object, index, records, known);
  return counted.ok() ? absl::OkStatus() : Internal(counted.status());
}

// Whether every page that `records` has as mapped from its file is mapped now.
absl::StatusOr<bool> ChunkScanner::StillMapped(const TargetScan& scan, PageRange block,
                                               absl::Span<const PageRecord> records) {
  size_t next = 0;
  const auto none_mapped_before = [&](size_t end) {
    for (; next < end; ++next) {
      if (records[next].mapped_from_file()) return false;
    }
    return true;
  };
  bool still = true;
  if (scan.environment().features.pagemap_scan) {
    absl::Status status = ForEachRegion(
        scan, block, kPageIsPresent, kPageIsPresent, &regions_, [&](const PageRegion& region) {
          still = none_mapped_before((region.start - block.start) >> kPageShift);
          next = (region.end - block.start) >> kPageShift;
          return still;
        });
    if (!status.ok()) return status;
  } else {
    const absl::Span<uint64_t> entries = absl::MakeSpan(words_).first(records.size());
    absl::StatusOr<size_t> read = scan.pagemap()->Read(block.start, entries);
    if (!read.ok()) return Internal(read.status());
    for (size_t i = 0; i < *read && still; ++i) {
      if (!PagemapEntry(entries[i]).present()) continue;
      still = none_mapped_before(i);
      next = i + 1;
    }
  }
  return still && none_mapped_before(records.size());
}

void ChunkScanner::AddFrameFlags(const TargetScan& scan, absl::Span<PageRecord> records) {
  if (!scan.environment().kpageflags.has_value()) return;
  const auto is_frame = [](PageRecord record) {
    return record.state() == PageState::kMapped && record.has_location();
  };
  for (size_t i = 0; i < records.size();) {
    if (!is_frame(records[i])) {
      ++i;
      continue;
    }
    // Frames that follow each other are read in one.
    const size_t begin = i;
    for (++i; i < records.size() && i - begin < words_.size() && is_frame(records[i]) &&
              records[i].pfn() == records[i - 1].pfn() + 1;
         ++i) {
    }
    const absl::Span<uint64_t> flags = absl::MakeSpan(words_).first(i - begin);
    if (!scan.environment().kpageflags->Read(records[begin].pfn(), flags).ok()) continue;
    for (size_t j = begin; j < i; ++j) records[j].AddFlags(FromKpf(flags[j - begin]));
  }
}

}  // namespace pagemapd
