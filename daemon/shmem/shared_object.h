#ifndef PAGEMAPD_DAEMON_SHMEM_SHARED_OBJECT_H_
#define PAGEMAPD_DAEMON_SHMEM_SHARED_OBJECT_H_

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/process.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// The inode behind a mapping, held open while its page cache is asked about. Safe for any thread.
class SharedObject {
 public:
  enum class Kind {
    // tmpfs, the kernel's internal one included: holes, pages in RAM, pages in swap.
    kTmpfs,
    // A filesystem on a block device: pages in RAM or not.
    kDisk,
    // hugetlbfs, which tells neither by cachestat nor by mincore nor by lseek.
    kHugetlb,
  };

  // No object has a page with this index or a higher one: byte offsets are signed 64-bit.
  static constexpr uint64_t kEndIndex = uint64_t{1} << (63 - kPageShift);

  // Opens the object of `vma` through /proc/PID/map_files. The caller must know from the device
  // that it is of `kind`: opening a device node or a file of a remote or user-space filesystem
  // could have effects, or block. FAILED_PRECONDITION if what was opened is not the inode that
  // `vma` names; NOT_FOUND if the mapping is gone; PERMISSION_DENIED without CAP_SYS_ADMIN or
  // CAP_CHECKPOINT_RESTORE (proc_map_files_get_link in fs/proc/base.c).
  static absl::StatusOr<SharedObject> Open(const Process& process, const Vma& vma, Kind kind);

  SharedObject(UniqueFd fd, Kind kind, uid_t owner = 0)
      : fd_(std::move(fd)), kind_(kind), owner_(owner) {}

  int fd() const { return fd_.get(); }
  // Its size now: bytes up to the end of the file.
  absl::StatusOr<uint64_t> SizeBytes() const;
  Kind kind() const { return kind_; }
  // The inode's user, when it was opened.
  uid_t owner() const { return owner_; }

 private:
  UniqueFd fd_;
  Kind kind_;
  uid_t owner_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SHMEM_SHARED_OBJECT_H_
