#ifndef PAGEMAPD_DAEMON_PAGE_PAGEMAP_ENTRY_H_
#define PAGEMAPD_DAEMON_PAGE_PAGEMAP_ENTRY_H_

#include <cstdint>

#include "daemon/page/swap_entry.h"

namespace pagemapd {

// One u64 of /proc/PID/pagemap: a projection of a PTE (PM_* in fs/proc/task_mmu.c;
// Documentation/admin-guide/mm/pagemap.rst).
class PagemapEntry {
 public:
  static constexpr int kFrameBits = 55;
  static constexpr uint64_t kFrameMask = (uint64_t{1} << kFrameBits) - 1;
  static constexpr int kSoftDirtyBit = 55;
  static constexpr int kExclusiveBit = 56;
  static constexpr int kUffdWpBit = 57;
  static constexpr int kGuardBit = 58;  // Linux 6.15
  static constexpr int kFileBit = 61;
  static constexpr int kSwapBit = 62;
  static constexpr int kPresentBit = 63;

  constexpr explicit PagemapEntry(uint64_t bits) : bits_(bits) {}

  constexpr bool present() const { return Bit(kPresentBit); }
  // A non-present PTE that is not empty: a swap slot, or a migration, hwpoison, device or marker
  // entry. Alone it never means that the page is swapped.
  constexpr bool swap_bit() const { return Bit(kSwapBit); }
  constexpr bool file() const { return Bit(kFileBit); }
  constexpr bool exclusive() const { return Bit(kExclusiveBit); }
  constexpr bool soft_dirty() const { return Bit(kSoftDirtyBit); }
  constexpr bool uffd_wp() const { return Bit(kUffdWpBit); }
  constexpr bool guard() const { return Bit(kGuardBit); }

  // PFN of a present page; 0 if hidden (no CAP_SYS_ADMIN).
  constexpr uint64_t frame() const { return bits_ & kFrameMask; }
  // Type and offset of an entry with swap_bit; {0, 0} if hidden.
  constexpr SwapEntry swap() const {
    return {static_cast<uint32_t>(bits_ & (kSwapTypes - 1)), (bits_ & kFrameMask) >> 5};
  }

  // Everything but the frame field: 9 bits.
  constexpr uint64_t top_bits() const { return bits_ >> kFrameBits; }
  constexpr uint64_t bits() const { return bits_; }

 private:
  constexpr bool Bit(int n) const { return (bits_ >> n) & 1; }

  uint64_t bits_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_PAGEMAP_ENTRY_H_
