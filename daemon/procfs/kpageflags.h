#ifndef PAGEMAPD_DAEMON_PROCFS_KPAGEFLAGS_H_
#define PAGEMAPD_DAEMON_PROCFS_KPAGEFLAGS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// Bits of a kpageflags entry, KPF_* of include/uapi/linux/kernel-page-flags.h.
inline constexpr uint64_t kKpfReferenced = uint64_t{1} << 2;
inline constexpr uint64_t kKpfDirty = uint64_t{1} << 4;
inline constexpr uint64_t kKpfCompoundHead = uint64_t{1} << 15;
inline constexpr uint64_t kKpfCompoundTail = uint64_t{1} << 16;
inline constexpr uint64_t kKpfHuge = uint64_t{1} << 17;
inline constexpr uint64_t kKpfNoPage = uint64_t{1} << 20;
inline constexpr uint64_t kKpfKsm = uint64_t{1} << 21;
inline constexpr uint64_t kKpfThp = uint64_t{1} << 22;
inline constexpr uint64_t kKpfZeroPage = uint64_t{1} << 24;
inline constexpr uint64_t kKpfIdle = uint64_t{1} << 25;

// /proc/kpageflags: one u64 a PFN. Reading it changes nothing. Safe for any thread.
class KPageFlags {
 public:
  // PERMISSION_DENIED without CAP_SYS_ADMIN, NOT_FOUND without CONFIG_PROC_PAGE_MONITOR.
  static absl::StatusOr<KPageFlags> Open(const ProcRoot& root);

  // Flags of the frames from `pfn` on. Frames that the kernel does not know read as kKpfNoPage.
  absl::Status Read(uint64_t pfn, absl::Span<uint64_t> flags) const;

 private:
  KPageFlags(UniqueFd fd, std::string shown) : fd_(std::move(fd)), shown_(std::move(shown)) {}

  UniqueFd fd_;
  std::string shown_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_KPAGEFLAGS_H_
