#ifndef PAGEMAPD_DAEMON_PAGE_FOLIO_COUNTS_H_
#define PAGEMAPD_DAEMON_PAGE_FOLIO_COUNTS_H_

#include <array>
#include <cstdint>

namespace pagemapd {

// Pages of shared memory by the order (log2 of pages) of the folio that holds them, or that they
// were swapped out as. A value.
struct FolioCounts {
  // An entry of the page-cache xarray spans at most slots of one node, one above the leaves.
  static constexpr int kOrders = 12;

  std::array<uint64_t, kOrders> resident{};
  std::array<uint64_t, kOrders> swapped{};

  FolioCounts& operator+=(const FolioCounts& other) {
    for (int order = 0; order < kOrders; ++order) {
      resident[order] += other.resident[order];
      swapped[order] += other.swapped[order];
    }
    return *this;
  }
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_FOLIO_COUNTS_H_
