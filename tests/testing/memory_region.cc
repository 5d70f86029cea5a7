#include "tests/testing/memory_region.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "daemon/sys/lru_batches.h"
#include "tests/testing/text_file.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21  // Linux 5.4.
#endif

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kPagesInHugePage = 512;
// Objects begin before their mapping, so that an index mistaken for an offset shows.
constexpr uint64_t kObjectLead = 16;

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

absl::StatusOr<uint64_t> MapObject(const TargetProcess& target, int64_t fd, uint64_t pages,
                                   int flags, MemoryRegion* region) {
  uint64_t bytes = (kObjectLead + pages) * kPageBytes;
  auto sized = target.Syscall(SYS_ftruncate, {static_cast<uint64_t>(fd), bytes});
  if (!sized.ok()) return sized.status();
  absl::StatusOr<Fd> object = target.BorrowFd(fd);
  if (!object.ok()) return object.status();
  region->object = *std::move(object);
  region->first_index = kObjectLead;
  return target.Map(pages * kPageBytes, kReadWrite, flags, fd, kObjectLead * kPageBytes);
}

absl::StatusOr<uint64_t> MapMemfd(const TargetProcess& target, uint64_t pages, int flags,
                                  MemoryRegion* region) {
  auto fd = target.SyscallWithText(SYS_memfd_create, {kPayloadArg, 0}, "pagemapd-test");
  if (!fd.ok()) return fd.status();
  return MapObject(target, *fd, pages, flags, region);
}

// A new file in a directory of its own below `parent`.
absl::StatusOr<uint64_t> MapFile(const TargetProcess& target, const char* parent, uint64_t pages,
                                 MemoryRegion* region) {
  std::string directory = absl::StrCat(parent, "/pagemapd-test-XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) return ErrnoError("mkdtemp " + directory);
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  if (!undo.ok()) return undo.status();
  region->undo_file = *std::move(undo);
  uint64_t cwd = static_cast<uint64_t>(AT_FDCWD);
  auto fd = target.SyscallWithText(SYS_openat, {cwd, kPayloadArg, O_RDWR | O_CREAT, 0600},
                                   directory + "/memory");
  if (!fd.ok()) return fd.status();
  return MapObject(target, *fd, pages, MAP_SHARED, region);
}

absl::StatusOr<uint64_t> MapSysV(const TargetProcess& target, uint64_t pages) {
  auto id = target.Syscall(SYS_shmget, {IPC_PRIVATE, pages * kPageBytes, IPC_CREAT | 0600});
  if (!id.ok()) return id.status();
  auto at = target.Syscall(SYS_shmat, {static_cast<uint64_t>(*id), 0, 0});
  // Goes with its last attachment, whatever happens to us.
  auto removed = target.Syscall(SYS_shmctl, {static_cast<uint64_t>(*id), IPC_RMID, 0});
  if (!at.ok()) return at.status();
  if (!removed.ok()) return removed.status();
  return static_cast<uint64_t>(*at);
}

// The only way to an object without a name or a descriptor.
absl::StatusOr<Fd> OpenMapped(const TargetProcess& target, uint64_t address, uint64_t pages) {
  std::string path = absl::StrFormat("/proc/%d/map_files/%x-%x", target.pid(), address,
                                     address + pages * kPageBytes);
  Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return ErrnoError("open " + path);
  return fd;
}

absl::Status FallocateRuns(const MemoryRegion& region, absl::Span<const PageRun> runs, int mode) {
  for (const PageRun& run : runs) {
    if (fallocate(region.object.get(), mode, (region.first_index + run.first) * kPageBytes,
                  run.pages * kPageBytes) != 0) {
      return ErrnoError("fallocate");
    }
  }
  return absl::OkStatus();
}

// Shapes shared memory through the mapping at `address`.
absl::Status ShapeShmem(const TargetProcess& target, const MemoryRegion& region, uint64_t address,
                        absl::Span<const PageWish> plan) {
  auto runs = [&](absl::Span<const PageWish> any_of) { return RunsOf(plan, any_of); };
  absl::Status s = target.Write(address, runs({PageWish::kMapped, PageWish::kCached,
                                               PageWish::kSwapped, PageWish::kPunched}));
  if (s.ok()) s = FallocateRuns(region, runs({PageWish::kFallocated}), FALLOC_FL_KEEP_SIZE);
  if (s.ok()) {
    s = FallocateRuns(region, runs({PageWish::kPunched}),
                      FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE);
  }
  if (s.ok()) s = PageOutRuns(target, address, runs({PageWish::kSwapped}));
  if (s.ok()) s = target.Advise(address, runs({PageWish::kCached}), MADV_DONTNEED);
  return s;
}

absl::Status ShapePrivateMemfd(const TargetProcess& target, const MemoryRegion& region,
                               absl::Span<const PageWish> plan) {
  // The object is shaped through a shared mapping of its own, which is gone afterwards.
  auto opened =
      target.SyscallWithText(SYS_openat, {static_cast<uint64_t>(AT_FDCWD), kPayloadArg, O_RDWR},
                             absl::StrFormat("/proc/self/map_files/%x-%x", region.address,
                                             region.address + region.pages * kPageBytes));
  if (!opened.ok()) return opened.status();
  uint64_t fd = *opened;
  absl::StatusOr<uint64_t> shared = target.Map(region.pages * kPageBytes, kReadWrite, MAP_SHARED,
                                               fd, region.first_index * kPageBytes);
  if (!shared.ok()) return shared.status();
  absl::Status s = ShapeShmem(target, region, *shared, plan);
  if (!s.ok()) return s;
  auto unmapped = target.Syscall(SYS_munmap, {*shared, region.pages * kPageBytes});
  if (!unmapped.ok()) return unmapped.status();
  auto closed = target.Syscall(SYS_close, {fd});
  if (!closed.ok()) return closed.status();

  std::mt19937_64 lots(region.pages);
  std::vector<PageRun> copied, paged_out, read;
  for (uint64_t i = 0; i < region.pages; ++i) {
    uint64_t lot = lots() % 16;
    if (lot < 4) copied.push_back({i, 1});
    if (lot < 2) paged_out.push_back({i, 1});
    if (lot == 4 && plan[i] == PageWish::kMapped) read.push_back({i, 1});
  }
  s = target.Read(region.address, read);
  if (s.ok()) s = target.Write(region.address, copied);
  if (s.ok()) s = PageOutRuns(target, region.address, paged_out);
  return s;
}

absl::Status ShapeDiskFile(const TargetProcess& target, const MemoryRegion& region,
                           absl::Span<const PageWish> plan) {
  // No read-ahead, which would fill the holes.
  absl::Status s = target.Advise(region.address, {{0, region.pages}}, MADV_RANDOM);
  if (!s.ok()) return s;
  std::vector<PageRun> written =
      RunsOf(plan, {PageWish::kMapped, PageWish::kCached, PageWish::kSwapped, PageWish::kPunched});
  s = target.Write(region.address, written);
  if (s.ok()) s = target.Advise(region.address, written, MADV_DONTNEED);
  if (!s.ok()) return s;
  if (fsync(region.object.get()) != 0) return ErrnoError("fsync");
  for (const PageRun& run : RunsOf(plan, {PageWish::kPunched})) {
    posix_fadvise(region.object.get(), (region.first_index + run.first) * kPageBytes,
                  run.pages * kPageBytes, POSIX_FADV_DONTNEED);
  }
  return target.Read(region.address, RunsOf(plan, {PageWish::kMapped}));
}

absl::Status ShapeHugetlb(const TargetProcess& target, const MemoryRegion& region,
                          absl::Span<const PageWish> plan) {
  std::vector<PageRun> touched;
  for (uint64_t i = 0; i + kPagesInHugePage <= region.pages; i += kPagesInHugePage) {
    if (plan[i] == PageWish::kMapped) touched.push_back({i, 1});
  }
  return target.Write(region.address, touched);
}

}  // namespace

const char* Name(MemoryKind kind) {
  switch (kind) {
    case MemoryKind::kMemfd:
      return "memfd";
    case MemoryKind::kDevShm:
      return "/dev/shm";
    case MemoryKind::kSysV:
      return "SysV";
    case MemoryKind::kSharedAnon:
      return "shared anonymous";
    case MemoryKind::kPrivateAnon:
      return "private anonymous";
    case MemoryKind::kPrivateMemfd:
      return "private memfd";
    case MemoryKind::kDiskFile:
      return "file on disk";
    case MemoryKind::kHugetlbShared:
      return "hugetlb, shared";
    case MemoryKind::kHugetlbPrivate:
      return "hugetlb, private";
  }
  return "?";
}

absl::StatusOr<MemoryRegion> MapRegion(const TargetProcess& target, MemoryKind kind,
                                       uint64_t pages) {
  MemoryRegion region;
  region.kind = kind;
  region.pages = pages;
  region.backing = Backing::kShmem;
  uint64_t bytes = pages * kPageBytes;
  absl::StatusOr<uint64_t> address;
  switch (kind) {
    case MemoryKind::kMemfd:
      address = MapMemfd(target, pages, MAP_SHARED, &region);
      break;
    case MemoryKind::kPrivateMemfd:
      address = MapMemfd(target, pages, MAP_PRIVATE, &region);
      break;
    case MemoryKind::kDevShm:
      address = MapFile(target, "/dev/shm", pages, &region);
      break;
    case MemoryKind::kDiskFile:
      address = MapFile(target, "/tmp", pages, &region);
      region.backing = Backing::kFile;
      break;
    case MemoryKind::kSysV:
      address = MapSysV(target, pages);
      break;
    case MemoryKind::kSharedAnon:
      address = target.Map(bytes, kReadWrite, MAP_SHARED | MAP_ANONYMOUS);
      break;
    case MemoryKind::kPrivateAnon:
      address = target.Map(bytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS);
      region.backing = Backing::kNone;
      break;
    case MemoryKind::kHugetlbShared:
      address = target.Map(bytes, kReadWrite, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB);
      region.backing = Backing::kNone;
      break;
    case MemoryKind::kHugetlbPrivate:
      address = target.Map(bytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
      region.backing = Backing::kNone;
      break;
  }
  if (!address.ok()) return address.status();
  region.address = *address;
  if (region.backing != Backing::kNone && !region.object) {
    absl::StatusOr<Fd> object = OpenMapped(target, region.address, pages);
    if (!object.ok()) return object.status();
    region.object = *std::move(object);
  }
  return region;
}

absl::Span<const PageWish> WishesFor(MemoryKind kind) {
  static constexpr PageWish kAnon[] = {PageWish::kUntouched, PageWish::kMapped, PageWish::kSwapped};
  static constexpr PageWish kHugetlb[] = {PageWish::kUntouched, PageWish::kMapped};
  static constexpr PageWish kObject[] = {PageWish::kUntouched, PageWish::kFallocated,
                                         PageWish::kPunched,   PageWish::kMapped,
                                         PageWish::kCached,    PageWish::kSwapped};
  switch (kind) {
    case MemoryKind::kPrivateAnon:
      return kAnon;
    case MemoryKind::kHugetlbShared:
    case MemoryKind::kHugetlbPrivate:
      return kHugetlb;
    default:
      return kObject;
  }
}

absl::Status Shape(const TargetProcess& target, const MemoryRegion& region,
                   absl::Span<const PageWish> plan) {
  switch (region.kind) {
    case MemoryKind::kMemfd:
    case MemoryKind::kDevShm:
    case MemoryKind::kSysV:
    case MemoryKind::kSharedAnon:
      return ShapeShmem(target, region, region.address, plan);
    case MemoryKind::kPrivateMemfd:
      return ShapePrivateMemfd(target, region, plan);
    case MemoryKind::kDiskFile:
      return ShapeDiskFile(target, region, plan);
    case MemoryKind::kHugetlbShared:
    case MemoryKind::kHugetlbPrivate:
      return ShapeHugetlb(target, region, plan);
    case MemoryKind::kPrivateAnon: {
      absl::Status s =
          target.Write(region.address, RunsOf(plan, {PageWish::kMapped, PageWish::kSwapped}));
      if (!s.ok()) return s;
      return PageOutRuns(target, region.address, RunsOf(plan, {PageWish::kSwapped}));
    }
  }
  return absl::InvalidArgumentError("no such kind");
}

absl::Status PageOutRuns(const TargetProcess& target, uint64_t address,
                         absl::Span<const PageRun> runs) {
  for (int round = 0; round < 250 && !runs.empty(); ++round) {
    if (absl::Status s = DrainLruBatches(); !s.ok()) return s;
    if (absl::Status s = target.Advise(address, runs, MADV_PAGEOUT); !s.ok()) return s;
    bool all_out = true;
    uint64_t end = runs.back().first + runs.back().pages;
    absl::StatusOr<std::vector<uint64_t>> entries = ReadPagemap(target.pid(), address, end);
    if (!entries.ok()) return entries.status();
    for (const PageRun& run : runs) {
      for (uint64_t i = run.first; i < run.first + run.pages && all_out; ++i) {
        all_out = ((*entries)[i] >> 63 & 1) == 0;
      }
    }
    if (all_out) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(20));
  }
  return runs.empty() ? absl::OkStatus() : absl::AbortedError("pages stay in spite of pageout");
}

absl::StatusOr<std::vector<TruePage>> TruthOf(pid_t pid, const MemoryRegion& region,
                                              bool object_view) {
  if (object_view) {
    return ObjectTruth(region.object.get(), region.backing, region.first_index, region.pages);
  }
  return ProcessTruth(pid, region.address, region.pages, region.backing, region.object.get(),
                      region.first_index);
}

}  // namespace pagemapd
