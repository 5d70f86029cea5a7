#ifndef PAGEMAPD_DAEMON_PAGE_PAGEMAP_DECODER_H_
#define PAGEMAPD_DAEMON_PAGE_PAGEMAP_DECODER_H_

#include "daemon/page/page_record.h"
#include "daemon/page/pagemap_entry.h"
#include "daemon/page/special_swap_types.h"

namespace pagemapd {

// The record of an entry that has the swap bit. `flags` are those that the entry itself carries.
PageRecord DecodeSwapBitEntry(PagemapEntry entry, PageFlags flags, const SpecialSwapTypes& special);

// What a pagemap entry says of its page. An empty entry gives kUnsettled: on anonymous memory that
// is a hole, on shared memory another source must tell. Inline, as it runs once a page.
inline PageRecord DecodePagemapEntry(PagemapEntry entry, const SpecialSwapTypes& special) {
  const auto flag = [entry](int from, PageFlags to) -> PageFlags {
    return static_cast<PageFlags>((entry.bits() >> from) & 1) * to;
  };
  const PageFlags flags =
      flag(PagemapEntry::kFileBit, kFlagFile) | flag(PagemapEntry::kExclusiveBit, kFlagExclusive) |
      flag(PagemapEntry::kSoftDirtyBit, kFlagSoftDirty) |
      flag(PagemapEntry::kUffdWpBit, kFlagUffdWp) | flag(PagemapEntry::kGuardBit, kFlagGuard);
  if (entry.present()) return PageRecord::Mapped(PageSource::kPagemap, flags, entry.frame());
  if (entry.swap_bit()) return DecodeSwapBitEntry(entry, flags, special);
  return PageRecord(PageState::kUnsettled, PageSource::kNone, flags);
}

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_PAGEMAP_DECODER_H_
