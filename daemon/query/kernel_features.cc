#include "daemon/query/kernel_features.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <utility>

#include "absl/types/span.h"
#include "daemon/page/page_size.h"
#include "daemon/page/pagemap_entry.h"
#include "daemon/procfs/kallsyms.h"
#include "daemon/procfs/pagemap.h"
#include "daemon/sys/cachestat.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/pagemap_scan.h"
#include "daemon/sys/process_madvise.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

// include/uapi/asm-generic/mman-common.h (Linux 6.13).
constexpr int kMadvGuardInstall = 102;

// MFD_HUGE_2MB and MFD_HUGE_1GB of include/uapi/linux/memfd.h, which libc does not carry: log2 of
// the page size, from bit 26 on.
constexpr unsigned kMfdHuge2Mb = 21u << 26;
constexpr unsigned kMfdHuge1Gb = 30u << 26;

std::optional<DeviceNumber> DeviceOfMemfd(unsigned flags) {
  const UniqueFd fd(memfd_create("pagemapd-probe", MFD_CLOEXEC | flags));
  struct stat st;
  if (!fd || fstat(fd.get(), &st) != 0) return std::nullopt;
  return DeviceNumber{major(st.st_dev), minor(st.st_dev)};
}

// cachestat on a file that supports it wherever the call exists.
bool HasCachestat() {
  const UniqueFd fd(memfd_create("pagemapd-probe", MFD_CLOEXEC));
  CacheStat stat;
  return fd && CacheStatOf(fd.get(), 0, kPageSizeBytes, &stat) == 0;
}

SpecialSwapTypes FindSpecialTypes(const ProcRoot& root, uint32_t marker) {
  // mm/rmap.c, under CONFIG_DEVICE_PRIVATE: four device types until Linux 6.14, three since. And
  // mm/memory-failure.c, under CONFIG_MEMORY_FAILURE.
  const auto found = HasKernelSymbols(
      root, {"make_device_exclusive_range", "make_device_exclusive", "memory_failure"});
  if (!found.ok()) return {};
  const uint32_t device_types = (*found)[0] ? 4 : (*found)[1] ? 3 : 0;
  return LayOutSpecialSwapTypes(marker, device_types, (*found)[2]);
}

}  // namespace

absl::StatusOr<KernelFeatures> ProbeKernelFeatures(const ProcRoot& root,
                                                   const std::string& knob_path) {
  KernelFeatures features;
  struct utsname name;
  if (uname(&name) == 0) features.release = name.release;

  absl::StatusOr<UniqueFd> fd = root.Open("self/pagemap");
  if (!fd.ok()) return fd.status();
  const Pagemap pagemap(*std::move(fd), root.path() + "/self/pagemap");

  // Two pages: one written, one that becomes a guard region where the kernel has them.
  void* mapped =
      mmap(nullptr, 2 * kPageSizeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return ErrnoStatus(errno, "mmap of two pages");
  volatile char* written = static_cast<char*>(mapped);
  *written = 1;
  const uint64_t address = reinterpret_cast<uint64_t>(mapped);
  const bool guarded =
      madvise(static_cast<char*>(mapped) + kPageSizeBytes, kPageSizeBytes, kMadvGuardInstall) == 0;
  uint64_t entries[2] = {};
  absl::StatusOr<size_t> read = pagemap.Read(address, absl::MakeSpan(entries));
  PageRegion region;
  const PagemapScanResult scan =
      PagemapScan(pagemap.fd(), {address, address + kPageSizeBytes}, kPageIsPresent, kPageIsPresent,
                  0, absl::MakeSpan(&region, 1));
  munmap(mapped, 2 * kPageSizeBytes);
  if (!read.ok()) return read.status();
  if (*read != 2 || !PagemapEntry(entries[0]).present()) {
    return absl::InternalError("self/pagemap does not show a page that was just written");
  }
  features.locations = PagemapEntry(entries[0]).frame() != 0;
  if (guarded && features.locations && PagemapEntry(entries[1]).swap_bit()) {
    features.special_types = FindSpecialTypes(root, PagemapEntry(entries[1]).swap().type);
  }
  features.pagemap_scan = scan.error == 0 && scan.regions == 1;
  features.cachestat = HasCachestat();
  features.page_out = HasProcessPageOut();
  const absl::StatusOr<PagemapKnob> knob = PagemapKnob::Open(knob_path);
  features.shmem_swap = knob.ok() ? knob->Read() : knob.status();
  features.shmem_device = DeviceOfMemfd(0);
  for (unsigned size : {kMfdHuge2Mb, kMfdHuge1Gb}) {
    // Huge pages need not be reserved to make the file.
    if (auto device = DeviceOfMemfd(MFD_HUGETLB | size)) {
      features.hugetlb_devices.push_back(*device);
    }
  }
  return features;
}

}  // namespace pagemapd
