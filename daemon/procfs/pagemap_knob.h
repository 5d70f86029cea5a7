#ifndef PAGEMAPD_DAEMON_PROCFS_PAGEMAP_KNOB_H_
#define PAGEMAPD_DAEMON_PROCFS_PAGEMAP_KNOB_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// What /proc/PID/pagemap shows of shared memory in swap, on a kernel of kernel-patches/.
enum class ShmemSwapMode {
  // Nothing, as every other kernel.
  kOff,
  // The pages for which reclaim left a marker in this page table. Others may be in swap too.
  kMarker,
  // Every page.
  kFull,
};

// The text of the knob, such as "off marker [full]\n": one word in brackets. DATA_LOSS, quoting it,
// for any other text, and where the word in brackets is none of the three.
absl::StatusOr<ShmemSwapMode> ParseShmemSwapMode(absl::string_view text);

// The knob, held open. It may be turned at any time: what rests on it is to be believed only if it
// reads the same before and after. Safe for any thread.
class PagemapKnob {
 public:
  static constexpr char kPath[] = "/sys/kernel/mm/pagemap/shmem_swap";

  // NOT_FOUND where the kernel has no such knob: it is not patched.
  static absl::StatusOr<PagemapKnob> Open(const std::string& path = kPath);

  // What it says now: one system call.
  absl::StatusOr<ShmemSwapMode> Read() const;
  // False also where it cannot be read.
  bool IsFull() const;

 private:
  PagemapKnob(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_PAGEMAP_KNOB_H_
