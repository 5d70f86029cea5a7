#include "daemon/reclaim/page_out_outcome.h"

namespace pagemapd {
namespace {

bool HasCopyInRam(PageRecord page) { return (page.flags() & kFlagSwapCache) != 0; }

// Whether a page of a mapping of an object is the object's, or is not known not to be: all but what
// the page table has that is no file's.
bool IsOfObject(PageRecord page) {
  return page.source() != PageSource::kPagemap || (page.flags() & kFlagFile) != 0;
}

}  // namespace

PageOutOutcome OutcomeBefore(PageRecord before, const PageOutObstacles& obstacles) {
  // Of hugetlbfs and of devices a page's own state tells little that helps.
  if (obstacles.hugetlb) return PageOutOutcome::kHugetlb;
  if (obstacles.not_pageable) return PageOutOutcome::kNotPageable;
  if (obstacles.others_object && IsOfObject(before)) return PageOutOutcome::kFileNotOwned;
  switch (before.state()) {
    case PageState::kMapped:
      return obstacles.locked ? PageOutOutcome::kLocked : PageOutOutcome::kCandidate;
    case PageState::kSwapped:
      return HasCopyInRam(before) ? PageOutOutcome::kInSwapCache : PageOutOutcome::kAlreadySwapped;
    case PageState::kHole:
      return PageOutOutcome::kHole;
    case PageState::kCached:
      return obstacles.has_object ? PageOutOutcome::kCandidate : PageOutOutcome::kNotInPageTable;
    case PageState::kSpecial:
      return PageOutOutcome::kNotPageable;
    case PageState::kUnknown:
    case PageState::kUnsettled:
      break;
  }
  return PageOutOutcome::kUnknown;
}

PageOutOutcome Obstacle(PageRecord page, const PageOutObstacles& obstacles) {
  // A private copy of a file's page goes whoever owns the file (madvise_pageout in mm/madvise.c).
  const bool is_of_file = page.state() == PageState::kCached || (page.flags() & kFlagFile) != 0;
  if (is_of_file && obstacles.file_not_owned) return PageOutOutcome::kFileNotOwned;
  if (page.state() == PageState::kMapped && (page.flags() & kFlagExclusive) == 0) {
    return PageOutOutcome::kShared;
  }
  if (obstacles.no_swap_space && !(is_of_file && obstacles.is_disk_file)) {
    return PageOutOutcome::kNoSwapSpace;
  }
  return PageOutOutcome::kWouldPageOut;
}

PageOutOutcome OutcomeAfter(PageRecord before, PageRecord after, const PageOutObstacles& obstacles,
                            bool mapping_changed) {
  if (mapping_changed) return PageOutOutcome::kMappingChanged;
  if (obstacles.others_object && IsOfObject(after)) return PageOutOutcome::kFileNotOwned;
  const bool was_of_disk_file = obstacles.is_disk_file && (before.flags() & kFlagFile) != 0;
  switch (after.state()) {
    case PageState::kSwapped:
      return HasCopyInRam(after) ? PageOutOutcome::kInSwapCache : PageOutOutcome::kPagedOut;
    case PageState::kHole:
      // Of other memory somebody freed it meanwhile.
      return was_of_disk_file ? PageOutOutcome::kPagedOut : PageOutOutcome::kHole;
    case PageState::kMapped:
    case PageState::kCached:
    case PageState::kSpecial: {
      const PageOutOutcome obstacle = Obstacle(after, obstacles);
      if (obstacle != PageOutOutcome::kWouldPageOut) return obstacle;
      const bool never_mapped =
          before.state() == PageState::kCached && after.state() == PageState::kCached;
      return never_mapped ? PageOutOutcome::kNotInPageTable : PageOutOutcome::kKept;
    }
    case PageState::kUnknown:
    case PageState::kUnsettled:
      break;
  }
  return PageOutOutcome::kUnknown;
}

}  // namespace pagemapd
