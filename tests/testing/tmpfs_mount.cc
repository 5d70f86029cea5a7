#include "tests/testing/tmpfs_mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/fd.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kHugePageBytes = 2 << 20;

}  // namespace

absl::StatusOr<TmpfsMount> TmpfsMount::Create(const std::string& options) {
  TmpfsMount made;
  char directory[] = "/tmp/pagemapd-tmpfs-XXXXXX";
  if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
  made.directory_ = directory;
  absl::StatusOr<UndoEntry> undo_directory = UndoEntry::Register({"rmtree", directory});
  if (!undo_directory.ok()) return undo_directory.status();
  made.undo_directory_ = *std::move(undo_directory);
  absl::StatusOr<UndoEntry> undo_mount = UndoEntry::Register({"unmount", directory});
  if (!undo_mount.ok()) return undo_mount.status();
  made.undo_mount_ = *std::move(undo_mount);
  if (mount("pagemapd-test", directory, "tmpfs", 0, options.c_str()) != 0) {
    return ErrnoError(absl::StrCat("mount tmpfs with ", options));
  }
  return made;
}

TmpfsMount::~TmpfsMount() {
  for (UndoEntry* undo : {&undo_mount_, &undo_directory_}) {
    if (absl::Status s = undo->Undo(); !s.ok()) {
      fprintf(stderr, "tmpfs %s: %s\n", directory_.c_str(), s.ToString().c_str());
    }
  }
}

absl::StatusOr<MemoryRegion> TmpfsMount::MapFile(const TargetProcess& target, uint64_t pages) {
  MemoryRegion region;
  region.kind = MemoryKind::kDevShm;
  region.pages = pages;
  region.backing = Backing::kShmem;
  const std::string path = absl::StrCat(directory_, "/memory", ++files_);
  const uint64_t bytes = pages * kPageBytes;
  region.object = Fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!region.object || ftruncate(region.object.get(), bytes) != 0) {
    return ErrnoError("make " + path);
  }
  // Room for the mapping at an aligned address in it.
  absl::StatusOr<uint64_t> room =
      target.Map(bytes + kHugePageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  if (!room.ok()) return room.status();
  const uint64_t address = (*room + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
  auto fd = target.SyscallWithText(
      SYS_openat, {static_cast<uint64_t>(AT_FDCWD), kPayloadArg, O_RDWR | O_CLOEXEC}, path);
  if (!fd.ok()) return fd.status();
  auto mapped = target.Syscall(SYS_mmap, {address, bytes, PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_FIXED, static_cast<uint64_t>(*fd), 0});
  if (!mapped.ok()) return mapped.status();
  auto closed = target.Syscall(SYS_close, {static_cast<uint64_t>(*fd)});
  if (!closed.ok()) return closed.status();
  region.address = address;
  return region;
}

}  // namespace pagemapd
