#include "daemon/page/pagemap_decoder.h"

namespace pagemapd {
namespace {

// Bits of a PTE marker, in place of its offset (PTE_MARKER_* in include/linux/swapops.h, 6.12; bit
// 1 is Linux 6.6, bit 2 is 6.13).
constexpr uint64_t kMarkerUffdWp = 1 << 0;
constexpr uint64_t kMarkerPoisoned = 1 << 1;
constexpr uint64_t kMarkerGuard = 1 << 2;

PageFlags MarkerFlags(uint64_t marker) {
  return (marker & kMarkerUffdWp ? kFlagUffdWp : 0) |
         (marker & kMarkerPoisoned ? kFlagHwpoison : 0) | (marker & kMarkerGuard ? kFlagGuard : 0);
}

}  // namespace

PageRecord DecodeSwapBitEntry(PagemapEntry entry, PageFlags flags,
                              const SpecialSwapTypes& special) {
  if (entry.guard()) return PageRecord(PageState::kSpecial, PageSource::kPagemap, flags);
  // Bit 62 without a frame field: a slot or a special entry, and the daemon may not see which.
  if (entry.frame() == 0) return PageRecord(PageState::kUnknown, PageSource::kPagemap, flags);
  const SwapEntry swap = entry.swap();
  if (swap.type < kFirstSpecialSwapType) {
    return PageRecord::Swapped(PageSource::kPagemap, flags, swap);
  }
  flags |= swap.type == special.marker ? MarkerFlags(swap.offset) : special.flags[swap.type];
  return PageRecord(PageState::kSpecial, PageSource::kPagemap, flags);
}

}  // namespace pagemapd
