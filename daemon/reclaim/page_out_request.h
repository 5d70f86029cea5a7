#ifndef PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_REQUEST_H_
#define PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_REQUEST_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/page/page_range.h"
#include "daemon/procfs/maps.h"
#include "daemon/query/target_access.h"

namespace pagemapd {

// What a mapping was seen to hold at an address.
struct ExpectedMapping {
  // As in Vma; device 00:00 and inode 0 for memory without an object.
  DeviceNumber device;
  uint64_t inode = 0;
  // Object index there, in pages; of no account without an object.
  uint64_t object_index = 0;

  friend bool operator==(const ExpectedMapping& a, const ExpectedMapping& b) {
    return a.device == b.device && a.inode == b.inode && a.object_index == b.object_index;
  }
};

// Pages to page out, all of the same expectation.
struct PageOutRange {
  PageRange range;
  // At the range's start. Where something else is mapped, nothing is done.
  std::optional<ExpectedMapping> expected;
};

struct PageOutRequest {
  pid_t pid = 0;
  // 0: whoever has the pid.
  uint64_t start_time_ticks = 0;
  // Valid (page_range.h), by address, without overlap.
  std::vector<PageOutRange> ranges;
  bool dry_run = false;
  bool only_idle = false;
  // Without one, nothing is done.
  AccessCheck access = nullptr;
};

// Sorts by address, and cuts off each range what one that starts before it has. Ranges that touch
// are made one if what they expect goes on from the one to the other. Each must be valid.
std::vector<PageOutRange> Normalize(std::vector<PageOutRange> ranges);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_REQUEST_H_
