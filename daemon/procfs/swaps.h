#ifndef PAGEMAPD_DAEMON_PROCFS_SWAPS_H_
#define PAGEMAPD_DAEMON_PROCFS_SWAPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/procfs/proc_root.h"

namespace pagemapd {

// One line of /proc/swaps (swap_show in mm/swapfile.c).
struct SwapArea {
  // Unescaped (\ooo). " (deleted)" stays, as the kernel prints it.
  std::string path;
  bool is_file = false;
  int32_t priority = 0;
  uint64_t size_bytes = 0;
  uint64_t used_bytes = 0;
};

// Parses one line after the heading. DATA_LOSS for text that is no such line.
absl::StatusOr<SwapArea> ParseSwapsLine(absl::string_view line);

// All active areas, in the kernel's order: by ascending swap type, with gaps where an area was
// removed. At most 32 (MAX_SWAPFILES and more): DATA_LOSS beyond.
absl::StatusOr<std::vector<SwapArea>> ReadSwaps(const ProcRoot& root);

// Which of `area_count` active areas an entry of swap type `type` must lie in, or nullopt where
// more than one could hold it. Line N of /proc/swaps has a type of at least N, and an entry lies
// in an active area; so type T is in one of the first T + 1 lines.
std::optional<size_t> AreaOfSwapType(uint32_t type, size_t area_count);

// The UUID (as text) and label of a swap header: `page` is the first page of a swap device or
// file (union swap_header of include/linux/swap.h). nullopt if it has no "SWAPSPACE2" signature.
struct SwapHeader {
  std::string uuid;
  std::string label;
};
std::optional<SwapHeader> ParseSwapHeader(absl::string_view page);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_SWAPS_H_
