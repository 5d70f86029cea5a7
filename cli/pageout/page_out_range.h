#ifndef PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_RANGE_H_
#define PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_RANGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/address_span.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// The part of `mapping` within `span`, which it overlaps, expected to be what is mapped there.
v1::PageOutRange ExpectedRange(const v1::Mapping& mapping, const AddressSpan& span,
                               uint64_t page_size_bytes);

// Adds `next` to the end of `range` if it goes on there: in addresses, and in what is expected to
// be mapped. False, and nothing is done, if it does not. Neither is empty or reversed.
bool ExtendRange(const v1::PageOutRange& next, uint64_t page_size_bytes, v1::PageOutRange* range);

// The mappings that a glob matches, each expected to be there still, and `spans`, whatever is
// mapped there; in address order. False, with the glob, if one matches nothing.
//
// The vsyscall page is left out unless a span names it: it is beyond the addresses of processes,
// and the daemon refuses a request for it as a whole.
bool SelectRanges(const std::vector<v1::Mapping>& mappings, const std::vector<std::string>& globs,
                  const std::vector<AddressSpan>& spans, uint64_t page_size_bytes,
                  std::vector<v1::PageOutRange>* ranges, std::string* unmatched);

// Of all of them; those that two share are counted twice.
uint64_t PagesOf(const std::vector<v1::PageOutRange>& ranges, uint64_t page_size_bytes);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_RANGE_H_
