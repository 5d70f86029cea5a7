#ifndef PAGEMAPD_DAEMON_PAGE_PAGE_RECORD_H_
#define PAGEMAPD_DAEMON_PAGE_PAGE_RECORD_H_

#include <cstdint>

#include "daemon/page/swap_entry.h"

namespace pagemapd {

// The numbers are those of the API (PageState in proto/pagemapd/v1/pages.proto).
enum class PageState : uint8_t {
  // Not known yet: the page needs another source.
  kUnsettled = 0,
  kHole = 1,
  kMapped = 2,
  kCached = 3,
  kSwapped = 4,
  kSpecial = 5,
  kUnknown = 6,
};
inline constexpr int kPageStates = 7;

// The numbers are those of the API (PageSource).
enum class PageSource : uint8_t {
  kNone = 0,
  kPagemap = 1,
  kMarker = 2,
  kBpf = 3,
  kCachestat = 4,
  kMincore = 5,
  kSeek = 6,
};

// A bit set: the API's PageFlag with value V is bit V.
using PageFlags = uint32_t;
inline constexpr PageFlags kFlagFile = 1 << 1;
inline constexpr PageFlags kFlagExclusive = 1 << 2;
inline constexpr PageFlags kFlagSoftDirty = 1 << 3;
inline constexpr PageFlags kFlagUffdWp = 1 << 4;
inline constexpr PageFlags kFlagGuard = 1 << 5;
inline constexpr PageFlags kFlagSwapCache = 1 << 6;
inline constexpr PageFlags kFlagKsm = 1 << 7;
inline constexpr PageFlags kFlagThp = 1 << 8;
inline constexpr PageFlags kFlagHugetlb = 1 << 9;
inline constexpr PageFlags kFlagZero = 1 << 10;
inline constexpr PageFlags kFlagDirty = 1 << 11;
inline constexpr PageFlags kFlagReferenced = 1 << 12;
inline constexpr PageFlags kFlagIdle = 1 << 13;
inline constexpr PageFlags kFlagMigration = 1 << 14;
inline constexpr PageFlags kFlagHwpoison = 1 << 15;
inline constexpr PageFlags kFlagDevicePrivate = 1 << 16;

// All that is known of one page, in the u64 that goes over the wire in FORMAT_PACKED: state in bits
// 0 to 2, source in 3 to 5, flags in 6 to 21, location in 22 to 63. A value; compared as a whole.
class PageRecord {
 public:
  static constexpr uint64_t kStateMask = 7;
  static constexpr uint64_t kSourceMask = 7 << 3;
  static constexpr int kFlagShift = 5;  // flag V is bit V, V >= 1, so the first lands on bit 6
  static constexpr uint64_t kFlagMask = uint64_t{0xffff} << 6;
  static constexpr int kLocationShift = 22;
  static constexpr uint64_t kLocationMask = ~uint64_t{0} << kLocationShift;
  static constexpr int kLocationBits = 64 - kLocationShift;
  static constexpr int kSwapTypeBits = 5;

  constexpr PageRecord() = default;
  constexpr explicit PageRecord(uint64_t bits) : bits_(bits) {}
  constexpr PageRecord(PageState state, PageSource source, PageFlags flags = 0)
      : bits_(static_cast<uint64_t>(state) | static_cast<uint64_t>(source) << 3 |
              static_cast<uint64_t>(flags) << kFlagShift) {}

  // A PFN or swap offset that does not fit its bits is left out: the location is then not known.
  static constexpr PageRecord Mapped(PageSource source, PageFlags flags, uint64_t pfn) {
    return PageRecord(PageState::kMapped, source, flags).At(pfn);
  }
  static constexpr PageRecord Swapped(PageSource source, PageFlags flags, SwapEntry entry) {
    const bool fits = entry.offset >> (kLocationBits - kSwapTypeBits) == 0;
    return PageRecord(PageRecord(PageState::kSwapped, source, flags).bits_ |
                      (fits ? Location(entry.type | entry.offset << kSwapTypeBits) : 0));
  }

  constexpr PageState state() const { return static_cast<PageState>(bits_ & kStateMask); }
  constexpr PageSource source() const {
    return static_cast<PageSource>((bits_ & kSourceMask) >> 3);
  }
  constexpr PageFlags flags() const {
    return static_cast<PageFlags>((bits_ & kFlagMask) >> kFlagShift);
  }
  constexpr bool unsettled() const { return state() == PageState::kUnsettled; }
  // Present, and in the page cache of the mapped file: no copy of a private mapping.
  constexpr bool mapped_from_file() const {
    return state() == PageState::kMapped && (flags() & kFlagFile) != 0;
  }
  constexpr bool has_location() const { return (bits_ & kLocationMask) != 0; }
  // Of a mapped page with a location.
  constexpr uint64_t pfn() const { return bits_ >> kLocationShift; }
  // Of a swapped page with a location.
  constexpr SwapEntry swap() const {
    const uint64_t location = bits_ >> kLocationShift;
    return {static_cast<uint32_t>(location & (kSwapTypes - 1)), location >> kSwapTypeBits};
  }
  constexpr uint64_t bits() const { return bits_; }

  constexpr void AddFlags(PageFlags flags) { bits_ |= static_cast<uint64_t>(flags) << kFlagShift; }

  // Keeps only the fields whose bits are in `mask`; the state is always kept.
  constexpr PageRecord Only(uint64_t mask) const { return PageRecord(bits_ & (mask | kStateMask)); }

  // With the PFN of a mapped page, for a record without a location.
  constexpr PageRecord At(uint64_t pfn) const { return PageRecord(bits_ | Location(pfn)); }

  // The record `pages` further on in a run whose locations are consecutive.
  constexpr PageRecord Advance(uint64_t pages) const {
    if (!has_location()) return *this;
    const int shift = kLocationShift + (state() == PageState::kSwapped ? kSwapTypeBits : 0);
    return PageRecord(bits_ + (pages << shift));
  }

  friend constexpr bool operator==(PageRecord a, PageRecord b) { return a.bits_ == b.bits_; }
  friend constexpr bool operator!=(PageRecord a, PageRecord b) { return a.bits_ != b.bits_; }

 private:
  static constexpr uint64_t Location(uint64_t value) {
    return value >> kLocationBits == 0 ? value << kLocationShift : 0;
  }

  uint64_t bits_ = 0;
};
static_assert(sizeof(PageRecord) == sizeof(uint64_t), "records are read in place of entries");

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_PAGE_RECORD_H_
