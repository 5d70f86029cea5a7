#include "daemon/shmem/shared_object.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

bool IsOfKind(SharedObject::Kind kind, int64_t filesystem_magic) {
  switch (kind) {
    case SharedObject::Kind::kTmpfs:
      return filesystem_magic == TMPFS_MAGIC;
    case SharedObject::Kind::kHugetlb:
      return filesystem_magic == HUGETLBFS_MAGIC;
    case SharedObject::Kind::kDisk:
      // overlayfs shows the device of the file below, and has a page cache that is always empty.
      return filesystem_magic != OVERLAYFS_SUPER_MAGIC;
  }
  return false;
}

}  // namespace

absl::StatusOr<SharedObject> SharedObject::Open(const Process& process, const Vma& vma, Kind kind) {
  const std::string link = absl::StrFormat("map_files/%x-%x", vma.range.start, vma.range.end);
  absl::StatusOr<UniqueFd> fd = process.Open(link.c_str());
  if (!fd.ok()) return fd.status();
  const std::string shown = absl::StrCat("/proc/", process.pid(), "/", link);
  struct stat st;
  struct statfs fs;
  if (fstat(fd->get(), &st) != 0) return ErrnoStatus(errno, absl::StrCat("fstat ", shown));
  if (fstatfs(fd->get(), &fs) != 0) return ErrnoStatus(errno, absl::StrCat("fstatfs ", shown));
  const DeviceNumber device = {major(st.st_dev), minor(st.st_dev)};
  if (!S_ISREG(st.st_mode) || !(device == vma.device) || st.st_ino != vma.inode ||
      !IsOfKind(kind, fs.f_type)) {
    return absl::FailedPreconditionError(
        absl::StrCat(shown, " is no longer inode ", vma.inode, " of the mapping"));
  }
  return SharedObject(*std::move(fd), kind, st.st_uid);
}

absl::StatusOr<uint64_t> SharedObject::SizeBytes() const {
  struct stat st;
  if (fstat(fd_.get(), &st) != 0) return ErrnoStatus(errno, "fstat of a mapped object");
  return static_cast<uint64_t>(st.st_size);
}

}  // namespace pagemapd
