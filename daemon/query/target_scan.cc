#include "daemon/query/target_scan.h"

#include <errno.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/query/target_error.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/pagemap_scan.h"

namespace pagemapd {
namespace {

constexpr uint64_t kKernelHalf = uint64_t{1} << 63;

// Shortest hole that is worth skipping, and the first chunk behind one, in pages: what one page of
// page-table entries maps.
constexpr uint64_t kSparsePages = 512;

absl::Status OpenError(const absl::Status& error) {
  const std::string message(error.message());
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
      return TargetError(TargetErrorReason::kInvalidTarget, message);
    case absl::StatusCode::kNotFound:
      return TargetError(TargetErrorReason::kNoSuchProcess, message);
    case absl::StatusCode::kFailedPrecondition:
      return TargetError(TargetErrorReason::kProcessReplaced, message);
    case absl::StatusCode::kPermissionDenied:
      return TargetError(TargetErrorReason::kPermissionDenied, message);
    default:
      return TargetError(TargetErrorReason::kInternal, message);
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<TargetScan>> TargetScan::Open(const ScanEnvironment& environment,
                                                             const ScanSpec& spec,
                                                             TargetQuery query) {
  for (const PageRange& range : query.ranges) {
    absl::Status status =
        query.object_address.has_value() ? ValidateObjectRange(range) : ValidateRange(range);
    if (!status.ok()) return OpenError(status);
  }
  absl::StatusOr<Process> process =
      Process::Open(environment.root, query.pid, query.start_time_ticks);
  if (!process.ok()) return OpenError(process.status());
  if (!process->HasAddressSpace()) {
    return TargetError(TargetErrorReason::kNoAddressSpace,
                       absl::StrCat("process ", query.pid, " is a kernel thread or a zombie"));
  }
  std::shared_ptr<TargetScan> scan(new TargetScan(environment, spec));
  scan->ranges_ = Normalize(std::move(query.ranges));
  scan->process_ = std::make_shared<const Process>(*std::move(process));
  scan->classifier_.emplace(environment.features, *scan->process_);
  if (absl::Status status = scan->CheckAccess(query.access); !status.ok()) return status;
  if (query.object_address.has_value()) {
    if (absl::Status status = scan->OpenObject(*query.object_address); !status.ok()) return status;
  } else {
    if (spec.view == View::kProcess) {
      absl::StatusOr<Pagemap> pagemap = Pagemap::Open(*scan->process_);
      if (!pagemap.ok()) return OpenError(pagemap.status());
      scan->pagemap_.emplace(*std::move(pagemap));
    }
    absl::StatusOr<MappedRanges> mapped = MappedRanges::Open(*scan->process_, scan->ranges_);
    if (!mapped.ok()) return OpenError(mapped.status());
    scan->mapped_.emplace(*std::move(mapped));
    absl::StatusOr<UniqueFd> maps = scan->process_->Open("maps");
    if (!maps.ok()) return OpenError(maps.status());
    scan->maps_again_ = *std::move(maps);
  }
  // pagemap and maps are each bound to the address space of the moment they were opened. If none
  // was exchanged between the first look at the process and now, they are bound to the same. Where
  // the kernel lays out all address spaces alike, that cannot be seen; so whose it is is asked on
  // both sides.
  if (absl::Status status = scan->CheckAccess(query.access); !status.ok()) return status;
  if (absl::Status status = scan->CheckProcess(); !status.ok()) return status;
  return scan;
}

absl::Status TargetScan::CheckAccess(const AccessCheck& check) {
  if (check == nullptr) {
    return TargetError(TargetErrorReason::kPermissionDenied, "nobody said who asks");
  }
  absl::StatusOr<TargetAccess> access = check(*process_);
  if (!access.ok()) {
    // Of one that goes away it can no longer be told whose it is.
    if (absl::Status status = CheckProcess(); !status.ok()) return status;
    return access.status();
  }
  access_ = *access;
  if (access_.objects_of.has_value()) {
    // Nothing that the kernel itself would tell.
    spec_.folios = false;
    spec_.names_swap_types = false;
  }
  if (access_.locations) return absl::OkStatus();
  redacts_locations_ |= (spec_.fields & PageRecord::kLocationMask) != 0;
  redacts_frame_flags_ |= spec_.frame_flags;
  spec_.fields &= ~PageRecord::kLocationMask;
  spec_.frame_flags = false;
  return absl::OkStatus();
}

absl::Status TargetScan::OpenObject(uint64_t address) {
  const uint64_t page = address & ~(kPageSizeBytes - 1);
  const std::string shown = absl::StrCat("object at 0x", absl::Hex(address));
  const std::vector<PageRange> range = {{page, page + kPageSizeBytes}};
  if (absl::Status status = ValidateRange(range[0]); !status.ok()) return OpenError(status);
  absl::StatusOr<MappedRanges> mapped = MappedRanges::Open(*process_, range);
  if (!mapped.ok()) return OpenError(mapped.status());
  PageRange cut;
  absl::StatusOr<bool> found = mapped->Next(&object_vma_, &cut);
  if (!found.ok()) return OpenError(found.status());
  if (*found) object_class_ = classifier_->Classify(object_vma_);
  if (!*found || object_class_.object != SharedObject::Kind::kTmpfs) {
    return TargetError(TargetErrorReason::kInvalidTarget,
                       absl::StrCat(shown, ": no shared memory is mapped there"));
  }
  absl::StatusOr<SharedObject> object =
      SharedObject::Open(*process_, object_vma_, SharedObject::Kind::kTmpfs);
  if (!object.ok()) {
    if (absl::Status status = CheckProcess(); !status.ok()) return status;
    return OpenError(object.status());
  }
  if (access_.objects_of.has_value() && object->owner() != *access_.objects_of) {
    return TargetError(TargetErrorReason::kPermissionDenied,
                       absl::StrCat("missing right inspect: the ", shown, " is of uid ",
                                    object->owner(), ", not ", *access_.objects_of));
  }
  absl::StatusOr<uint64_t> size_bytes = object->SizeBytes();
  if (!size_bytes.ok()) return OpenError(size_bytes.status());
  object_ = std::make_shared<const SharedObject>(*std::move(object));
  const uint64_t end = (*size_bytes + kPageSizeBytes - 1) & ~(kPageSizeBytes - 1);
  if (ranges_.empty() && end > 0) ranges_ = {{0, end}};
  return absl::OkStatus();
}

absl::Status TargetScan::CheckProcess() const {
  switch (process_->Check()) {
    case ProcessChange::kNone:
      return absl::OkStatus();
    case ProcessChange::kExited:
      return TargetError(TargetErrorReason::kProcessExited,
                         absl::StrCat("process ", process_->pid(), " exited during the scan"));
    case ProcessChange::kExeced:
      return TargetError(TargetErrorReason::kProcessExeced,
                         absl::StrCat("process ", process_->pid(), " called exec during the scan"));
  }
  return absl::InternalError("not reached");
}

absl::Status TargetScan::CheckAddressSpace(uint64_t address) const {
  uint64_t entry;
  absl::StatusOr<size_t> read = pagemap_->Read(address, absl::MakeSpan(&entry, 1));
  if (!read.ok()) return TargetError(TargetErrorReason::kInternal, read.status().message());
  if (*read == 1) return absl::OkStatus();
  if (absl::Status status = CheckProcess(); !status.ok()) return status;
  // The process lives and looks as before, and yet its pagemap is of an address space that is
  // gone: an exec that laid out the new one alike.
  return TargetError(TargetErrorReason::kProcessExeced,
                     absl::StrCat("process ", process_->pid(), " called exec during the scan"));
}

absl::StatusOr<TargetScan::Skip> TargetScan::SkipHoles(ObjectResolver& resolver,
                                                       uint64_t position) const {
  const Segment& segment = *segment_;
  const Skip none = {position, PageRecord()};
  // The page table may hold what the object does not: copies of a private mapping, markers.
  if (pagemap() != nullptr && !environment_.features.pagemap_scan) return none;
  const PagemapKnob* const knob = spec_.TreatsUnswappedAlike() ? marker_knob(segment) : nullptr;
  const bool by_pagemap = pagemap() != nullptr && knob != nullptr && knob->IsFull();
  Skip skip = {segment.cut().end, PageRecord(PageState::kHole, PageSource::kPagemap)};
  if (by_pagemap) {
    skip.record = PageRecord();
  } else if (segment.vma().has_object()) {
    const SharedObject* object = segment.object();
    if (object == nullptr) return none;
    const uint64_t index = segment.ObjectIndex(position);
    const uint64_t limit = index + ((segment.cut().end - position) >> kPageShift);
    const uint64_t found = std::clamp(resolver.SkipHoles(*object, index, limit), index, limit);
    skip.end = position + ((found - index) << kPageShift);
    skip.record = PageRecord(PageState::kHole, resolver.hole_source(*object));
  } else if (segment.kind() != MappingKind::kAnon || pagemap() == nullptr) {
    return none;
  }
  if (pagemap() == nullptr) return skip;
  while (position < skip.end) {
    PageRegion region;
    const PagemapScanResult scan =
        PagemapScan(pagemap_->fd(), {position, skip.end}, kPageIsPresent | kPageIsSwapped,
                    kPageIsPresent, 1, absl::MakeSpan(&region, 1));
    if (scan.error != 0 && scan.error != EINTR) {
      if (absl::Status status = CheckProcess(); !status.ok()) return status;
      return TargetError(
          TargetErrorReason::kInternal,
          ErrnoStatus(scan.error, absl::StrCat("PAGEMAP_SCAN of ", ToString({position, skip.end})))
              .message());
    }
    if (scan.regions > 0) {
      skip.end = region.start;
      break;
    }
    if (scan.error == 0 && scan.walk_end <= position) break;
    position = std::max(position, scan.walk_end);
  }
  // The knob was turned meanwhile.
  if (by_pagemap && !knob->IsFull()) return none;
  return skip;
}

absl::StatusOr<bool> TargetScan::NextSegment() {
  if (object_ != nullptr) {
    if (next_range_ == ranges_.size()) return false;
    segment_ = std::make_shared<const Segment>(object_, object_vma_, ranges_[next_range_++],
                                               object_class_);
    return true;
  }
  Vma vma;
  PageRange cut;
  absl::StatusOr<bool> more = mapped_->Next(&vma, &cut);
  if (!more.ok()) {
    if (absl::Status status = CheckProcess(); !status.ok()) return status;
    return TargetError(TargetErrorReason::kInternal, more.status().message());
  }
  if (!*more) return false;
  const MappingClassifier::Class mapping_class = classifier_->Classify(vma);
  segment_ = std::make_shared<const Segment>(process_, std::move(vma), cut, mapping_class,
                                             access_.objects_of);
  return true;
}

absl::StatusOr<bool> TargetScan::NextChunk(ObjectResolver& resolver, Chunk* chunk) {
  if (segment_ == nullptr || position_ == segment_->cut().end) {
    absl::StatusOr<bool> more = NextSegment();
    if (!more.ok() || !*more) return more;
    position_ = segment_->cut().start;
    chunk_pages_ = ChunkPages(spec_.format);
  }
  const uint64_t end = segment_->cut().end;
  chunk->segment = segment_;
  chunk->known.reset();
  // What the kernel half shows, the vsyscall page, no pagemap tells of.
  if (segment_->cut().start >= kKernelHalf) {
    chunk->known = PageRecord(PageState::kUnknown, PageSource::kNone);
    chunk->range = {position_, end};
    position_ = end;
    return true;
  }
  if (!skipped_ && end - position_ > kSparsePages << kPageShift) {
    absl::StatusOr<Skip> skip = SkipHoles(resolver, position_);
    if (!skip.ok()) return skip.status();
    if (skip->end - position_ >= kSparsePages << kPageShift) {
      if (pagemap() != nullptr) {
        if (absl::Status status = CheckAddressSpace(position_); !status.ok()) return status;
      }
      chunk->known = skip->record;
      chunk->range = {position_, skip->end};
      position_ = skip->end;
      // The next pages may be few: start small, and grow as long as no hole follows.
      chunk_pages_ = kSparsePages;
      skipped_ = position_ < end;
      return true;
    }
  }
  skipped_ = false;
  chunk->range = {position_, position_ + std::min(chunk_pages_ << kPageShift, end - position_)};
  position_ = chunk->range.end;
  chunk_pages_ = std::min(2 * chunk_pages_, ChunkPages(spec_.format));
  return true;
}

absl::StatusOr<bool> TargetScan::MappingsChanged() {
  if (object_ != nullptr) return false;
  MappedRanges now = MappedRanges::Over(std::move(maps_again_), *process_, ranges_);
  Vma vma;
  PageRange cut;
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = now.Next(&vma, &cut);
  if (absl::Status status = CheckProcess(); !status.ok()) return status;
  return !more.ok() || now.fingerprint() != mapped_->fingerprint();
}

}  // namespace pagemapd
