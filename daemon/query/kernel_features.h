#ifndef PAGEMAPD_DAEMON_QUERY_KERNEL_FEATURES_H_
#define PAGEMAPD_DAEMON_QUERY_KERNEL_FEATURES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/page/special_swap_types.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/pagemap_knob.h"
#include "daemon/procfs/proc_root.h"

namespace pagemapd {

// What this kernel, with the privileges at hand, can do. Found once at start by trying, never by
// version; a plain value, so that a test or a flag can take a feature away.
struct KernelFeatures {
  // uname -r.
  std::string release;
  // PAGEMAP_SCAN (Linux 6.7).
  bool pagemap_scan = false;
  // cachestat(2) (Linux 6.5).
  bool cachestat = false;
  // pagemap shows frames and swap offsets (CAP_SYS_ADMIN).
  bool locations = false;
  // process_madvise(2) with MADV_PAGEOUT (Linux 5.10).
  bool page_out = false;
  // What special entries are. Found on kernels with guard regions (Linux 6.13), whose marker shows
  // its swap type, and with kallsyms, which shows which other types the kernel was built with.
  SpecialSwapTypes special_types;
  // What pagemap shows of shared memory in swap; NOT_FOUND where the kernel has no knob for it, and
  // so shows nothing.
  absl::StatusOr<ShmemSwapMode> shmem_swap = absl::NotFoundError("not looked for");
  // Device of the kernel's internal tmpfs: memfd, SysV, shared anonymous memory.
  std::optional<DeviceNumber> shmem_device;
  // Devices of the kernel's internal hugetlbfs mounts, one a huge page size.
  std::vector<DeviceNumber> hugetlb_devices;
};

// Tries everything on this process; `knob_path` is that of PagemapKnob. An error only where
// self/pagemap cannot be read at all.
absl::StatusOr<KernelFeatures> ProbeKernelFeatures(
    const ProcRoot& root, const std::string& knob_path = PagemapKnob::kPath);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_KERNEL_FEATURES_H_
