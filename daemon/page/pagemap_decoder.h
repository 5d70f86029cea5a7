#ifndef PAGEMAPD_DAEMON_PAGE_PAGEMAP_DECODER_H_
#define PAGEMAPD_DAEMON_PAGE_PAGEMAP_DECODER_H_

#include <array>

#include "daemon/page/page_record.h"
#include "daemon/page/pagemap_entry.h"
#include "daemon/page/special_swap_types.h"

namespace pagemapd {

// The record of an entry that has the swap bit. `flags` are those that the entry itself carries.
PageRecord DecodeSwapBitEntry(PagemapEntry entry, PageFlags flags, const SpecialSwapTypes& special);

// All that the bits above the frame field say of a page, by these bits: its record, but for the
// location. 4 KiB, of which few lines are ever used.
extern const std::array<PageRecord, 512> kRecordsByTopBits;

// What a pagemap entry says of its page. An empty entry gives kUnsettled: on anonymous memory that
// is a hole, on shared memory another source must tell. A slot with the file bit, which the patched
// kernel alone shows, is a page of shared memory: its source is kMarker. Inline, as it runs once a
// page.
inline PageRecord DecodePagemapEntry(PagemapEntry entry, const SpecialSwapTypes& special) {
  const PageRecord record = kRecordsByTopBits[entry.top_bits()];
  // A swap bit beside a present bit means nothing.
  if (record.state() == PageState::kSpecial) {
    return DecodeSwapBitEntry(entry, record.flags(), special);
  }
  // The frame field of an entry that is neither is 0.
  return record.At(entry.frame());
}

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_PAGEMAP_DECODER_H_
