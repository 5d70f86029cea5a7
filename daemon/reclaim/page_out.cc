#include "daemon/reclaim/page_out.h"

#include <algorithm>
#include <limits>

#include "daemon/page/page_size.h"
#include "daemon/procfs/kpageflags.h"
#include "daemon/procfs/meminfo.h"
#include "daemon/query/mapping_kind.h"
#include "daemon/query/target_error.h"
#include "daemon/reclaim/file_ownership.h"
#include "daemon/sys/lru_batches.h"

namespace pagemapd {
namespace {

// Asked ranges with a smaller gap between them, in pages, are scanned in one: what lies in a page
// of page-table entries is read sooner than it is passed over.
constexpr uint64_t kScannedGapPages = 512;

ScanSpec SpecOf(const PageOutRequest& request) {
  ScanSpec spec;
  // The larger chunks.
  spec.format = Format::kPacked;
  // kFlagExclusive tells who else maps a page; without the place kFlagSwapCache is not certain.
  spec.fields = PageRecord::kFlagMask | PageRecord::kLocationMask;
  spec.swap_cache = true;
  spec.frame_flags = request.only_idle;
  return spec;
}

std::vector<PageRange> ScannedRanges(const std::vector<PageOutRange>& asked) {
  std::vector<PageRange> ranges;
  for (const PageOutRange& next : asked) {
    const PageRange& range = next.range;
    if (!ranges.empty() && range.start - ranges.back().end < kScannedGapPages << kPageShift) {
      ranges.back().end = range.end;
    } else {
      ranges.push_back(range);
    }
  }
  return ranges;
}

absl::Status Internal(const absl::Status& error) {
  return TargetError(TargetErrorReason::kInternal, error.message());
}

}  // namespace

PageOut::PageOut(const ScanEnvironment& environment, PageOutRequest request)
    : environment_(environment),
      request_(std::move(request)),
      idle_(environment.idle_pages.has_value() ? &*environment.idle_pages : nullptr,
            environment.kpageflags.has_value() ? &*environment.kpageflags : nullptr) {}

absl::StatusOr<std::unique_ptr<PageOut>> PageOut::Open(const ScanEnvironment& environment,
                                                       PageOutRequest request) {
  TargetQuery query;
  query.pid = request.pid;
  query.start_time_ticks = request.start_time_ticks;
  query.ranges = ScannedRanges(request.ranges);
  // To page out, the daemon has to know where pages are, whatever the caller is told.
  if (request.access != nullptr) {
    query.access = [check = request.access](const Process& process) {
      absl::StatusOr<TargetAccess> access = check(process);
      if (access.ok()) access->locations = true;
      return access;
    };
  }
  const ScanSpec spec = SpecOf(request);
  auto scan = TargetScan::Open(environment, spec, std::move(query));
  if (!scan.ok()) return scan.status();
  std::unique_ptr<PageOut> page_out(new PageOut(environment, std::move(request)));
  page_out->scan_ = *std::move(scan);
  auto locked = LockedMappings::Open(page_out->process());
  if (!locked.ok()) {
    if (absl::Status status = page_out->scan_->CheckProcess(); !status.ok()) return status;
    return Internal(locked.status());
  }
  page_out->locked_.emplace(*std::move(locked));
  // MADV_PAGEOUT passes over what waits in a batch of another CPU. What it cannot drain shows in
  // the outcome.
  if (!page_out->request_.dry_run) DrainLruBatches().IgnoreError();
  return page_out;
}

absl::StatusOr<bool> PageOut::Step(ChunkScanner& scanner, uint64_t max_pages,
                                   const std::function<bool()>& is_cancelled) {
  PageRange block;
  do {
    if (is_cancelled()) return absl::CancelledError("page-out was cancelled");
    if (position_ >= chunk_.range.end) {
      absl::StatusOr<bool> more = NextChunk(scanner);
      if (!more.ok()) return more;
      if (!*more) {
        PassOverUnmapped(std::numeric_limits<uint64_t>::max());
        extents_.Flush();
        return false;
      }
    }
    block = NextBlock(chunk_.known.has_value() ? std::numeric_limits<uint64_t>::max() : max_pages);
    position_ = block.Empty() ? chunk_.range.end : block.end;
    const uint64_t done = block.Empty() ? position_ : block.start;
    while (next_asked_ < request_.ranges.size() && request_.ranges[next_asked_].range.end <= done) {
      ++next_asked_;
    }
  } while (block.Empty());
  if (absl::Status status = DealWith(scanner, block, is_cancelled); !status.ok()) return status;
  return true;
}

void PageOut::PassOverUnmapped(uint64_t end) {
  ForEachAsked(position_, end, [this](PageRange part, const PageOutRange& asked) {
    extents_.EndMapping();
    Count(
        part.start, part.Pages(),
        asked.expected.has_value() ? PageOutOutcome::kMappingChanged : PageOutOutcome::kNoMapping);
    extents_.EndMapping();
  });
  position_ = end;
}

absl::StatusOr<bool> PageOut::NextChunk(ChunkScanner& scanner) {
  absl::StatusOr<bool> more = scan_->NextChunk(scanner.resolver(), &chunk_);
  if (!more.ok() || !*more) return more;
  PassOverUnmapped(chunk_.range.start);
  if (chunk_.segment != segment_) {
    if (absl::Status status = EnterSegment(); !status.ok()) return status;
  }
  return true;
}

absl::Status PageOut::EnterSegment() {
  segment_ = chunk_.segment;
  mapping_.Begin(*segment_);
  extents_.EndMapping();
  knows_ownership_ = false;
  obstacles_ = PageOutObstacles();
  obstacles_.hugetlb = segment_->kind() == MappingKind::kHugetlb;
  obstacles_.not_pageable = segment_->kind() == MappingKind::kSpecial;
  obstacles_.is_disk_file = segment_->kind() == MappingKind::kFile;
  // The segment has no object that is another's; one that cannot be opened counts as such.
  obstacles_.others_object = scan_->access().objects_of.has_value() &&
                             segment_->vma().has_object() && segment_->object() == nullptr;
  absl::StatusOr<bool> locked = locked_->AnyIn(segment_->cut());
  if (!locked.ok()) {
    if (absl::Status status = scan_->CheckProcess(); !status.ok()) return status;
    return Internal(locked.status());
  }
  obstacles_.locked = *locked;
  // Not of a file on disk: what it holds in RAM beside this process's pages is not this process's.
  obstacles_.has_object = segment_->kind() == MappingKind::kShmem && segment_->object() != nullptr;
  return absl::OkStatus();
}

PageRange PageOut::NextBlock(uint64_t max_pages) {
  PageRange block = {position_, position_};
  ForEachAsked(position_, chunk_.range.end, [&](PageRange part, const PageOutRange&) {
    if (block.Empty()) {
      block = part;
    } else {
      block.end = part.end;
    }
  });
  if (block.Pages() > max_pages) block.end = block.start + (max_pages << kPageShift);
  return block;
}

absl::Status PageOut::DealWith(ChunkScanner& scanner, PageRange block,
                               const std::function<bool()>& is_cancelled) {
  if (chunk_.known.has_value()) {
    const PageOutOutcome outcome = OutcomeBefore(*chunk_.known, obstacles_);
    ForEachAsked(block.start, block.end, [&](PageRange part, const PageOutRange& asked) {
      Count(part.start, part.Pages(),
            IsAsExpected(asked, part.start) ? outcome : PageOutOutcome::kMappingChanged);
    });
    return absl::OkStatus();
  }
  auto before = scanner.ScanBlock(*scan_, *segment_, block);
  if (!before.ok()) return before.status();
  before_.assign(before->begin(), before->end());
  if (absl::Status status = LookAtMapping(block); !status.ok()) return status;
  Judge(block);
  if (request_.only_idle) {
    if (absl::Status status = LeaveOutUsed(block); !status.ok()) return status;
  }
  if (request_.dry_run) {
    ForetellCandidates(block);
  } else {
    absl::Status status = Attempt(block, is_cancelled);
    if (status.ok()) status = LookAgain(scanner, block);
    if (!status.ok()) return status;
  }
  Report(block);
  return absl::OkStatus();
}

void PageOut::Judge(PageRange block) {
  outcomes_.assign(before_.size(), PageOutOutcome::kUnknown);
  ForEachAsked(block.start, block.end, [&](PageRange part, const PageOutRange& asked) {
    const bool as_expected = IsAsExpected(asked, part.start);
    const size_t first = (part.start - block.start) >> kPageShift;
    for (size_t i = first; i < first + part.Pages(); ++i) {
      if (!as_expected || !mapping_.Holds(block.start + (i << kPageShift))) {
        outcomes_[i] = PageOutOutcome::kMappingChanged;
      } else if (IsZeroPage(before_[i])) {
        outcomes_[i] = PageOutOutcome::kHole;
      } else {
        outcomes_[i] = OutcomeBefore(before_[i], obstacles_);
      }
    }
  });
}

bool PageOut::IsZeroPage(PageRecord page) {
  const bool may_be = page.state() == PageState::kMapped && page.has_location() &&
                      (page.flags() & (kFlagFile | kFlagExclusive)) == 0;
  if (!may_be || !environment_.kpageflags.has_value()) return false;
  if (page.pfn() == zero_pfn_) return true;
  uint64_t flags = 0;
  const absl::Status read = environment_.kpageflags->Read(page.pfn(), absl::MakeSpan(&flags, 1));
  if (!read.ok() || (flags & kKpfZeroPage) == 0) return false;
  zero_pfn_ = page.pfn();
  return true;
}

absl::Status PageOut::LeaveOutUsed(PageRange block) {
  candidates_.clear();
  ForEachCandidate(block, [this](uint64_t, uint32_t place) { candidates_.push_back(place); });
  absl::Status status = idle_.FindUsed(before_, candidates_, /*leave_no_marks=*/request_.dry_run);
  if (!status.ok()) return Internal(status);
  for (const uint32_t place : idle_.used()) outcomes_[place] = PageOutOutcome::kInUse;
  return absl::OkStatus();
}

void PageOut::ForetellCandidates(PageRange block) {
  LearnObstacles();
  ForEachCandidate(block, [this](uint64_t, uint32_t place) {
    outcomes_[place] = Obstacle(before_[place], obstacles_);
  });
}

absl::Status PageOut::Attempt(PageRange block, const std::function<bool()>& is_cancelled) {
  CollectCandidates(block);
  absl::Status status = Advise(block, is_cancelled);
  CountAttempted(block);
  return status;
}

void PageOut::CollectCandidates(PageRange block) {
  advised_.Clear();
  cached_.Clear();
  ForEachAsked(block.start, block.end, [&](PageRange part, const PageOutRange&) {
    // From a candidate up to the last that can be had in one: passing over a page that is not in
    // RAM costs the kernel less than another range.
    PageRange run = {part.start, part.start};
    const auto add_run = [&] {
      if (!run.Empty()) advised_.Add(run);
    };
    for (uint64_t address = part.start; address < part.end; address += kPageSizeBytes) {
      const size_t place = (address - block.start) >> kPageShift;
      switch (outcomes_[place]) {
        case PageOutOutcome::kCandidate:
          if (before_[place].state() == PageState::kCached) {
            const uint64_t offset = segment_->ObjectIndex(address) << kPageShift;
            cached_.Add({offset, offset + kPageSizeBytes});
            break;
          }
          if (run.Empty()) run.start = address;
          run.end = address + kPageSizeBytes;
          break;
        case PageOutOutcome::kAlreadySwapped:
        case PageOutOutcome::kInSwapCache:
        case PageOutOutcome::kHole:
        case PageOutOutcome::kNotInPageTable:
          // What comes into RAM there at this moment is in use.
          if (!request_.only_idle) break;
          [[fallthrough]];
        default:
          add_run();
          run = {address, address};
      }
    }
    add_run();
  });
}

absl::Status PageOut::Advise(PageRange block, const std::function<bool()>& is_cancelled) {
  if (!cached_.empty()) {
    const absl::Status status =
        cached_.PageOut(*segment_->object(), scan_->access().objects_of, is_cancelled);
    // What it could not do, the second look shows.
    if (absl::IsCancelled(status)) return status;
  }
  if (advised_.empty()) return absl::OkStatus();
  // The advice goes to the address space that the process has then: looked at before each call.
  absl::Status gone;
  absl::Status status = advised_.PageOut(process().pidfd(), scan_->access().objects_of, [&] {
    gone = scan_->CheckAddressSpace(block.start);
    return !gone.ok() || is_cancelled();
  });
  if (!gone.ok()) return gone;
  if (absl::IsNotFound(status)) {
    if (gone = scan_->CheckProcess(); !gone.ok()) return gone;
  }
  if (absl::IsPermissionDenied(status)) {
    return TargetError(TargetErrorReason::kPermissionDenied, status.message());
  }
  return status.ok() || absl::IsCancelled(status) ? status : Internal(status);
}

void PageOut::CountAttempted(PageRange block) {
  ForEachCandidate(block, [&](uint64_t address, uint32_t place) {
    const bool was_given = before_[place].state() == PageState::kCached
                               ? segment_->ObjectIndex(address) << kPageShift < cached_.left_from()
                               : address < advised_.left_from();
    counts_.attempted += was_given;
  });
}

absl::Status PageOut::LookAgain(ChunkScanner& scanner, PageRange block) {
  if (advised_.empty() && cached_.empty()) return absl::OkStatus();
  auto after = scanner.ScanBlock(*scan_, *segment_, block);
  if (!after.ok()) return after.status();
  bool all_swapped = true;
  ForEachCandidate(block, [&](uint64_t, uint32_t place) {
    all_swapped = all_swapped && (*after)[place].state() == PageState::kSwapped;
  });
  if (!all_swapped) LearnObstacles();
  if (absl::Status status = LookAtMapping(block); !status.ok()) return status;
  ForEachCandidate(block, [&](uint64_t address, uint32_t place) {
    outcomes_[place] =
        OutcomeAfter(before_[place], (*after)[place], obstacles_, !mapping_.Holds(address));
    if (IsAchieved(outcomes_[place])) ++counts_.achieved;
  });
  return absl::OkStatus();
}

void PageOut::LearnObstacles() {
  // Where it cannot be told, it is not claimed to be in the way.
  const absl::StatusOr<SwapMeminfo> swap = ReadSwapMeminfo(environment_.root);
  obstacles_.no_swap_space = swap.ok() && swap->free_bytes == 0;
  if (std::exchange(knows_ownership_, true)) return;
  const SharedObject* object = segment_->object();
  obstacles_.file_not_owned =
      object != nullptr && !MayPageOutFile(object->fd(), scan_->access().objects_of);
}

absl::Status PageOut::LookAtMapping(PageRange block) {
  absl::Status status = mapping_.Look(process(), block);
  if (status.ok()) return status;
  if (absl::Status gone = scan_->CheckProcess(); !gone.ok()) return gone;
  return Internal(status);
}

void PageOut::Report(PageRange block) {
  ForEachAsked(block.start, block.end, [&](PageRange part, const PageOutRange&) {
    uint64_t run = part.start;
    for (uint64_t address = part.start; address < part.end;) {
      const PageOutOutcome outcome = outcomes_[(address - block.start) >> kPageShift];
      address += kPageSizeBytes;
      if (address < part.end && outcomes_[(address - block.start) >> kPageShift] == outcome) {
        continue;
      }
      Count(run, (address - run) >> kPageShift, outcome);
      run = address;
    }
  });
}

void PageOut::Count(uint64_t start, uint64_t pages, PageOutOutcome outcome) {
  counts_.asked += pages;
  counts_.by_outcome[static_cast<size_t>(outcome)] += pages;
  extents_.Add(start, pages, outcome);
}

template <typename Visit>
void PageOut::ForEachAsked(uint64_t start, uint64_t end, Visit visit) const {
  for (size_t i = next_asked_; i < request_.ranges.size(); ++i) {
    const PageOutRange& asked = request_.ranges[i];
    if (asked.range.start >= end) break;
    const PageRange part = Intersect(asked.range, {start, end});
    if (!part.Empty()) visit(part, asked);
  }
}

template <typename Visit>
void PageOut::ForEachCandidate(PageRange block, Visit visit) const {
  ForEachAsked(block.start, block.end, [&](PageRange part, const PageOutRange&) {
    for (uint64_t address = part.start; address < part.end; address += kPageSizeBytes) {
      const uint32_t place = static_cast<uint32_t>((address - block.start) >> kPageShift);
      if (outcomes_[place] == PageOutOutcome::kCandidate) visit(address, place);
    }
  });
}

bool PageOut::IsAsExpected(const PageOutRange& asked, uint64_t address) const {
  if (!asked.expected.has_value()) return true;
  const Vma& vma = segment_->vma();
  if (!(asked.expected->device == vma.device) || asked.expected->inode != vma.inode) return false;
  const uint64_t pages = (address - asked.range.start) >> kPageShift;
  return !vma.has_object() ||
         asked.expected->object_index + pages == segment_->ObjectIndex(address);
}

}  // namespace pagemapd
