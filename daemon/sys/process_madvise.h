#ifndef PAGEMAPD_DAEMON_SYS_PROCESS_MADVISE_H_
#define PAGEMAPD_DAEMON_SYS_PROCESS_MADVISE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// MADV_PAGEOUT of include/uapi/asm-generic/mman-common.h (Linux 5.4).
inline constexpr int kMadvPageout = 21;

// Most ranges of one call: UIO_MAXIOV of include/uapi/linux/uio.h.
inline constexpr size_t kMaxAdvisedRanges = 1024;

struct ProcessMadviseResult {
  // Of the ranges from the first on. May be short: some were advised, then one failed, which one
  // call more tells.
  uint64_t advised_bytes = 0;
  // An errno, of the first range; then nothing was advised. ENOMEM: all of it was that is mapped.
  // EINVAL: the advice does not go with a mapping in it, such as a locked one. EPERM,
  // EACCES: CAP_SYS_NICE or the right to ptrace is missing. ESRCH: the process is gone.
  int error = 0;
};

// process_madvise(2) (Linux 5.10) of ranges of the process's memory, at most kMaxAdvisedRanges. It
// goes to the address space that the process has now.
ProcessMadviseResult ProcessMadvise(const UniqueFd& pidfd, absl::Span<const iovec> ranges,
                                    int advice);

// Whether the kernel has process_madvise(2) with MADV_PAGEOUT, by trying it on this process.
bool HasProcessPageOut();

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_PROCESS_MADVISE_H_
