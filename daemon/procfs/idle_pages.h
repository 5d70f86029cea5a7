#ifndef PAGEMAPD_DAEMON_PROCFS_IDLE_PAGES_H_
#define PAGEMAPD_DAEMON_PROCFS_IDLE_PAGES_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// /sys/kernel/mm/page_idle/bitmap (CONFIG_IDLE_PAGE_TRACKING; idle_page_tracking.rst): a bit a page
// frame, which whoever wants to know sets, and which the kernel takes away when the page is
// touched. Frames come in words of 64. Safe for any thread.
//
// Of a large folio the first frame alone has a bit; the others read 0.
class IdlePages {
 public:
  static constexpr char kPath[] = "/sys/kernel/mm/page_idle/bitmap";

  // NOT_FOUND where the kernel does not track, PERMISSION_DENIED where the daemon may not ask.
  static absl::StatusOr<IdlePages> Open(const std::string& path = kPath);

  // The bits of the 64 frames from `word` * 64 on, the lowest first. Has the kernel look into the
  // page tables of all who map them. Frames that there are not read 0.
  absl::StatusOr<uint64_t> Read(uint64_t word) const;

  // Sets those bits; the others stay as they are.
  absl::Status Mark(uint64_t word, uint64_t bits) const;

 private:
  IdlePages(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_IDLE_PAGES_H_
