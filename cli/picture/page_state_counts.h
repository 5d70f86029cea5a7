#ifndef PAGEMAPD_CLI_PICTURE_PAGE_STATE_COUNTS_H_
#define PAGEMAPD_CLI_PICTURE_PAGE_STATE_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace pagemapd {

// The page states as indices, in the order in which they are listed everywhere.
enum PageStateIndex : size_t {
  kHoleState,
  kMappedState,
  kCachedState,
  kSwappedState,
  kSpecialState,
  kUnknownState,
  kPageStates,
};

// Pages by state.
using PageStateCounts = std::array<uint64_t, kPageStates>;

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PICTURE_PAGE_STATE_COUNTS_H_
