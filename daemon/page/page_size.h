#ifndef PAGEMAPD_DAEMON_PAGE_PAGE_SIZE_H_
#define PAGEMAPD_DAEMON_PAGE_PAGE_SIZE_H_

#include <cstdint>

// The base page. x86-64 has one size only; main refuses to start on a kernel with another.

namespace pagemapd {

inline constexpr int kPageShift = 12;
inline constexpr uint64_t kPageSizeBytes = uint64_t{1} << kPageShift;

// Largest page-aligned address: the exclusive end of a range cannot lie above it.
inline constexpr uint64_t kMaxAddress = ~(kPageSizeBytes - 1);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_PAGE_SIZE_H_
