#include "daemon/sys/lru_batches.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

#include "absl/cleanup/cleanup.h"
#include "daemon/page/page_size.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::Status DrainLruBatches() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
    return ErrnoStatus(errno, "sched_getaffinity");
  }
  void* const page =
      mmap(nullptr, kPageSizeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return ErrnoStatus(errno, "mmap of a page");
  const absl::Cleanup undo = [&] {
    sched_setaffinity(0, sizeof(allowed), &allowed);
    munmap(page, kPageSizeBytes);
  };
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0) {
      return ErrnoStatus(errno, "sched_setaffinity");
    }
    // Drains the batches of the CPU that it runs on, whatever it is asked to make cold.
    if (madvise(page, kPageSizeBytes, MADV_COLD) != 0)
      return ErrnoStatus(errno, "madvise MADV_COLD");
  }
  return absl::OkStatus();
}

}  // namespace pagemapd
