#include "daemon/sys/process_madvise.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/page/page_size.h"
#include "daemon/sys/pidfd.h"

namespace pagemapd {

ProcessMadviseResult ProcessMadvise(const UniqueFd& pidfd, absl::Span<const iovec> ranges,
                                    int advice) {
  const ssize_t advised =
      syscall(SYS_process_madvise, pidfd.get(), ranges.data(), ranges.size(), advice, 0u);
  if (advised < 0) return {0, errno};
  return {static_cast<uint64_t>(advised), 0};
}

bool HasProcessPageOut() {
  void* const page =
      mmap(nullptr, kPageSizeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  // Never touched: there is nothing to page out.
  const iovec range = {page, kPageSizeBytes};
  const absl::StatusOr<UniqueFd> self = OpenPidfd(getpid());
  const bool has =
      self.ok() && ProcessMadvise(*self, absl::MakeConstSpan(&range, 1), kMadvPageout).error == 0;
  munmap(page, kPageSizeBytes);
  return has;
}

}  // namespace pagemapd
