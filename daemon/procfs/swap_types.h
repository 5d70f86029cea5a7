#ifndef PAGEMAPD_DAEMON_PROCFS_SWAP_TYPES_H_
#define PAGEMAPD_DAEMON_PROCFS_SWAP_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/swaps.h"

namespace pagemapd {

// What an area's file is. Device numbers are user space's (makedev(3)).
struct SwapFileIdentity {
  // Of a block device, else 0.
  uint64_t block_device = 0;
  // Of a file, and of the filesystem that it is in; not compared for a block device.
  uint64_t inode = 0;
  uint64_t filesystem_device = 0;
};

// One area of the kernel's own table (struct swap_info_struct of include/linux/swap.h).
struct SwapTableEntry {
  // The number that swap entries name it by.
  uint32_t type = 0;
  int32_t priority = 0;
  // As /proc/swaps has it, in pages.
  uint64_t pages = 0;
  SwapFileIdentity file;
};

// The identity of what is at an area's path. nullopt for what is neither a block device nor a file,
// or not reachable: removed, or in another mount namespace.
std::optional<SwapFileIdentity> IdentifySwapFile(const std::string& path);

// The swap type of each line of /proc/swaps, or nullopt. `files` has the identity of each line's
// path, as far as known; `table` is by ascending type. /proc/swaps lists the areas by ascending
// type (swap_next in mm/swapfile.c): so the lines are the entries in order, which is believed only
// if there are as many, and size, priority and identity agree for every one.
//
// Filesystems that show other device numbers than the kernel's own, as btrfs does, never agree.
std::optional<std::vector<uint32_t>> MatchSwapTypes(
    absl::Span<const SwapArea> lines, absl::Span<const std::optional<SwapFileIdentity>> files,
    absl::Span<const SwapTableEntry> table);

struct TypedSwapAreas {
  // As of ReadSwaps.
  std::vector<SwapArea> areas;
  // Of each area, if `areas` and the table agree; else nullopt.
  std::optional<std::vector<uint32_t>> types;
};

// Reads /proc/swaps and, by `read_table`, the kernel's table, for the types of areas that were the
// same before and after. `read_table` is told how many areas there are, and gives the entries by
// ascending type; why it fails is not told. Errors are those of ReadSwaps.
absl::StatusOr<TypedSwapAreas> ReadTypedSwaps(
    const ProcRoot& root,
    absl::FunctionRef<absl::StatusOr<std::vector<SwapTableEntry>>(size_t)> read_table);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_SWAP_TYPES_H_
