#ifndef PAGEMAPD_CLI_VM_EXPECTED_RANGES_H_
#define PAGEMAPD_CLI_VM_EXPECTED_RANGES_H_

#include <cstdint>
#include <vector>

#include "cli/address_span.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// `span` as ranges to page out, each with what `mappings`, in address order, have there: so that
// nothing is done if QEMU maps something else there by then. What no mapping has is left out.
std::vector<v1::PageOutRange> ExpectedRanges(const std::vector<v1::Mapping>& mappings,
                                             const AddressSpan& span, uint64_t page_size_bytes);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_EXPECTED_RANGES_H_
