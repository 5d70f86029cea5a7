#ifndef PAGEMAPD_DAEMON_SHMEM_OBJECT_MINCORE_H_
#define PAGEMAPD_DAEMON_SHMEM_OBJECT_MINCORE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace pagemapd {

// mincore(2) of `pages` pages of the file `fd` from page `index` on, through a mapping of our own
// that is gone afterwards and brings no page in. Bit 0 of `resident[i]`: page i is in RAM, be it as
// a copy in the swap cache (mincore_page in mm/mincore.c). Any thread.
absl::Status MincoreOfObject(int fd, uint64_t index, size_t pages, unsigned char* resident);

// Pages of one call, as a rule: a byte each.
inline constexpr size_t kMincorePages = 4096;

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SHMEM_OBJECT_MINCORE_H_
