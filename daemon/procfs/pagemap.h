#ifndef PAGEMAPD_DAEMON_PROCFS_PAGEMAP_H_
#define PAGEMAPD_DAEMON_PROCFS_PAGEMAP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/procfs/process.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// /proc/PID/pagemap: one u64 a page (Documentation/admin-guide/mm/pagemap.rst). Bound to the
// address space that the process had at Open. Safe for any thread.
class Pagemap {
 public:
  static absl::StatusOr<Pagemap> Open(const Process& process);
  // An open file of the same shape; `shown` names it in errors.
  Pagemap(UniqueFd fd, std::string shown) : fd_(std::move(fd)), shown_(std::move(shown)) {}

  // Reads entries from `address` on; resumes short reads. Returns how many were read: fewer than
  // asked at the end of the user address space, and once the address space is gone, as after exit
  // or exec: then 0.
  absl::StatusOr<size_t> Read(uint64_t address, absl::Span<uint64_t> entries) const;

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::string shown_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_PAGEMAP_H_
