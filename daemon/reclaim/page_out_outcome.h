#ifndef PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_OUTCOME_H_
#define PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_OUTCOME_H_

#include <array>
#include <cstdint>

#include "daemon/page/page_record.h"

namespace pagemapd {

// What became of a page that was to be paged out. The numbers, and what each means, are those of
// the API (PageOutOutcome in proto/pagemapd/v1/pagemap_service.proto).
enum class PageOutOutcome : uint8_t {
  // Not settled yet: the page is in RAM, and may be paged out.
  kCandidate = 0,
  kPagedOut = 1,
  kInSwapCache = 2,
  kWouldPageOut = 3,
  kAlreadySwapped = 4,
  kHole = 5,
  kNotInPageTable = 6,
  kNoMapping = 7,
  kMappingChanged = 8,
  kLocked = 9,
  kHugetlb = 10,
  kNotPageable = 11,
  kFileNotOwned = 12,
  kShared = 13,
  kNoSwapSpace = 14,
  kInUse = 15,
  kKept = 16,
  kUnknown = 17,
};
inline constexpr int kPageOutOutcomes = 18;

// What stands in the way of pages of one mapping. Each is known, or presumed not to be.
struct PageOutObstacles {
  bool locked = false;
  bool hugetlb = false;
  // Memory of the kernel or of a device.
  bool not_pageable = false;
  // The kernel would not page out what the file holds on this daemon's behalf.
  bool file_not_owned = false;
  // The object is another user's than the one whose objects alone may be touched and told about
  // (TargetAccess::objects_of). It is left alone, and no outcome tells what of it is in RAM; the
  // process's own copies of a private mapping are no part of it.
  bool others_object = false;
  // No slot is free in any swap area.
  bool no_swap_space = false;
  // Of a file on disk: it does not go to swap, its private copies excepted.
  bool is_disk_file = false;
  // Pages that are in no page table can be paged out as well: ObjectPageOut.
  bool has_object = false;
};

// The outcome of a page whose state settles it before anything is done; else kCandidate.
PageOutOutcome OutcomeBefore(PageRecord before, const PageOutObstacles& obstacles);

// What stands in the way of a candidate by what is known of it now; else kWouldPageOut. For a dry
// run, and for a page that is found in RAM afterwards.
PageOutOutcome Obstacle(PageRecord page, const PageOutObstacles& obstacles);

// The outcome of a candidate that was handed to the kernel. `mapping_changed`: it is not certain
// that the page still is of the mapping that it was of.
PageOutOutcome OutcomeAfter(PageRecord before, PageRecord after, const PageOutObstacles& obstacles,
                            bool mapping_changed);

// Whether a page that was handed to the kernel, and has this outcome, has left RAM.
constexpr bool IsAchieved(PageOutOutcome outcome) {
  return outcome == PageOutOutcome::kPagedOut || outcome == PageOutOutcome::kInSwapCache ||
         outcome == PageOutOutcome::kHole;
}

// What was done, in pages.
struct PageOutCounts {
  uint64_t asked = 0;
  uint64_t attempted = 0;
  uint64_t achieved = 0;
  std::array<uint64_t, kPageOutOutcomes> by_outcome{};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_OUTCOME_H_
