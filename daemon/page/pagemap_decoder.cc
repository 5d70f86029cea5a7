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

constexpr std::array<PageRecord, 512> MakeRecordsByTopBits() {
  std::array<PageRecord, 512> records{};
  for (uint64_t bits = 0; bits < records.size(); ++bits) {
    const PagemapEntry entry(bits << PagemapEntry::kFrameBits);
    const PageFlags flags = (entry.file() ? kFlagFile : 0) |
                            (entry.exclusive() ? kFlagExclusive : 0) |
                            (entry.soft_dirty() ? kFlagSoftDirty : 0) |
                            (entry.uffd_wp() ? kFlagUffdWp : 0) | (entry.guard() ? kFlagGuard : 0);
    records[bits] = entry.present() ? PageRecord(PageState::kMapped, PageSource::kPagemap, flags)
                    : entry.swap_bit()
                        ? PageRecord(PageState::kSpecial, PageSource::kPagemap, flags)
                        : PageRecord(PageState::kUnsettled, PageSource::kNone, flags);
  }
  return records;
}

}  // namespace

constexpr std::array<PageRecord, 512> kRecordsByTopBits = MakeRecordsByTopBits();

PageRecord DecodeSwapBitEntry(PagemapEntry entry, PageFlags flags,
                              const SpecialSwapTypes& special) {
  if (entry.guard()) return PageRecord(PageState::kSpecial, PageSource::kPagemap, flags);
  // Bit 62 without a frame field: a slot or a special entry, and the daemon may not see which.
  if (entry.frame() == 0) return PageRecord(PageState::kUnknown, PageSource::kPagemap, flags);
  const SwapEntry swap = entry.swap();
  if (swap.type < kFirstSpecialSwapType) {
    // Of a slot only the patched kernel says that its page is a file's: of shared memory.
    const bool shared = (flags & kFlagFile) != 0;
    return PageRecord::Swapped(shared ? PageSource::kMarker : PageSource::kPagemap, flags, swap);
  }
  flags |= swap.type == special.marker ? MarkerFlags(swap.offset) : special.flags[swap.type];
  return PageRecord(PageState::kSpecial, PageSource::kPagemap, flags);
}

}  // namespace pagemapd
