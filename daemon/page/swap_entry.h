#ifndef PAGEMAPD_DAEMON_PAGE_SWAP_ENTRY_H_
#define PAGEMAPD_DAEMON_PAGE_SWAP_ENTRY_H_

#include <cstdint>

namespace pagemapd {

// Where a swapped page is: `offset` is in pages into swap area `type`. Offset 0 of an area is its
// header, so {0, 0} is never a page's: it stands for a location that is not known.
struct SwapEntry {
  uint32_t type = 0;
  uint64_t offset = 0;

  friend bool operator==(SwapEntry a, SwapEntry b) {
    return a.type == b.type && a.offset == b.offset;
  }
};

// Swap types that the kernel keeps for entries that are no swap slots: migration, hwpoison, device
// memory, PTE markers (include/linux/swap.h). They lie at the top of the 32 types, how many
// depends on version and configuration; at most ten on any kernel from 5.10 to 6.18 (four for
// devices, three for migration, hwpoison, marker, swap-in error). A kernel can thus have areas
// numbered 22 and up only with more than 22 of them active at once: those are told as special.
inline constexpr uint32_t kFirstSpecialSwapType = 22;
inline constexpr uint32_t kSwapTypes = 32;

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_SWAP_ENTRY_H_
