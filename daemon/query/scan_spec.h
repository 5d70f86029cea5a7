#ifndef PAGEMAPD_DAEMON_QUERY_SCAN_SPEC_H_
#define PAGEMAPD_DAEMON_QUERY_SCAN_SPEC_H_

#include <cstdint>

#include "daemon/page/page_record.h"

namespace pagemapd {

// The numbers of View and Format are those of the API.
enum class View { kProcess = 1, kObject = 2 };

enum class Format {
  // Pages by state only.
  kCounts = 0,
  kExtents = 1,
  kPacked = 2,
  kBitmap = 3,
};

// What a scan is to tell of each page.
struct ScanSpec {
  View view = View::kProcess;
  Format format = Format::kExtents;
  // Bit N: pages with state number N are wanted.
  static constexpr uint8_t kAllStates = 0xff;
  uint8_t states = kAllStates;
  // The fields of a record that are wanted beside the state: masks of PageRecord.
  uint64_t fields = 0;
  // Flags of mapped pages from /proc/kpageflags.
  bool frame_flags = false;
  // kFlagSwapCache of swapped pages of objects.
  bool swap_cache = false;
  // Pages of shared memory by the size of their folios.
  bool folios = false;
  // Swapped pages are counted by the type of their swap area; else all as if it were not known.
  bool names_swap_types = true;

  // The states that a page can have which is neither mapped nor in swap.
  static constexpr uint8_t kUnswappedStates =
      1 << static_cast<int>(PageState::kHole) | 1 << static_cast<int>(PageState::kCached) |
      1 << static_cast<int>(PageState::kSpecial) | 1 << static_cast<int>(PageState::kUnknown);
  // Nothing of the answer but counts depends on which of these a page has: it may stay kUnsettled.
  bool TreatsUnswappedAlike() const {
    const uint8_t wanted = states & kUnswappedStates;
    return (format != Format::kCounts && wanted == 0) ||
           (format == Format::kBitmap && wanted == kUnswappedStates &&
            Wants(PageState::kUnsettled));
  }

  bool Wants(PageState state) const { return (states >> static_cast<int>(state)) & 1; }
  // pagemap must be read entry by entry: PAGEMAP_SCAN knows no frames and not every flag.
  bool NeedsEntries() const {
    return frame_flags || (fields & (PageRecord::kLocationMask | PageRecord::kFlagMask)) != 0;
  }
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_SCAN_SPEC_H_
