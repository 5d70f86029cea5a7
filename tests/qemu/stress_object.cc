#include "tests/qemu/stress_object.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include "tests/qemu/stress_ledger.h"

namespace pagemapd {
namespace {

constexpr int kHugePages = 512;
constexpr size_t kObjectBytes = kObjectPages * kPageBytes;

}  // namespace

char* ReserveAligned(int page, int pages) {
  const size_t bytes = (pages + kHugePages) * kPageBytes;
  void* all = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) {
    perror("stress: mmap");
    return nullptr;
  }
  char* begin = static_cast<char*>(all);
  const auto number = reinterpret_cast<uintptr_t>(all) / kPageBytes;
  const size_t before = (page - number) % kHugePages * kPageBytes;
  const size_t used = pages * kPageBytes;
  if (before > 0) munmap(begin, before);
  if (before + used < bytes) munmap(begin + before + used, bytes - before - used);
  return begin + before;
}

bool SharedObject::Create(ObjectKind kind, const char* directory) {
  kind_ = kind;
  bool made = false;
  switch (kind) {
    case ObjectKind::kMemfd:
      fd_ = memfd_create("stress", 0);
      made = fd_ >= 0 && ftruncate(fd_, kObjectBytes) == 0;
      break;
    case ObjectKind::kTmpfs:
      fd_ = open(directory, O_TMPFILE | O_RDWR, 0600);
      made = fd_ >= 0 && ftruncate(fd_, kObjectBytes) == 0;
      break;
    case ObjectKind::kSysV: {
      shm_id_ = shmget(IPC_PRIVATE, kObjectBytes, 0600);
      void* origin = shm_id_ >= 0 ? shmat(shm_id_, nullptr, 0) : MAP_FAILED;
      made = origin != MAP_FAILED;
      // It goes with the last mapping.
      if (shm_id_ >= 0) shmctl(shm_id_, IPC_RMID, nullptr);
      break;
    }
    case ObjectKind::kSharedAnon: {
      void* origin =
          mmap(nullptr, kObjectBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      made = origin != MAP_FAILED;
      origin_ = static_cast<char*>(origin);
      break;
    }
  }
  if (!made) perror("stress: shared memory");
  return made;
}

char* SharedObject::Map(int first_page, int pages) const {
  char* where = ReserveAligned(first_page, pages);
  if (where == nullptr) return nullptr;
  const size_t bytes = pages * kPageBytes;
  const size_t offset = first_page * kPageBytes;
  void* mapped = MAP_FAILED;
  switch (kind_) {
    case ObjectKind::kMemfd:
    case ObjectKind::kTmpfs:
      mapped = mmap(where, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_, offset);
      break;
    case ObjectKind::kSysV:
      mapped = shmat(shm_id_, where, SHM_REMAP);
      break;
    case ObjectKind::kSharedAnon:
      // An old size of 0 maps shared memory once more.
      mapped = mremap(origin_ + offset, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, where);
      break;
  }
  if (mapped == MAP_FAILED) {
    perror("stress: mapping shared memory");
    munmap(where, bytes);
    return nullptr;
  }
  return static_cast<char*>(mapped);
}

}  // namespace pagemapd
