#include "tests/qemu/cost_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace pagemapd {

void CostFails(const char* what) {
  fprintf(stderr, "cost: %s: %m\n", what);
  exit(1);
}

CostMemory::CostMemory(int pages) : pages_(pages) {
  const size_t bytes = pages * kCostPageBytes;
  fd_ = memfd_create("cost", 0);
  if (fd_ < 0 || ftruncate(fd_, bytes) != 0) CostFails("memfd");
  // Page tables of its own, from the first entry on.
  constexpr size_t kTable = 512 * kCostPageBytes;
  void* reserved = mmap(nullptr, bytes + kTable, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) CostFails("mmap");
  char* begin = static_cast<char*>(reserved);
  char* aligned = begin + (-reinterpret_cast<uintptr_t>(begin)) % kTable;
  void* mapped = mmap(aligned, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_, 0);
  if (mapped == MAP_FAILED) CostFails("mmap");
  address_ = static_cast<char*>(mapped);
}

CostMemory::~CostMemory() {
  munmap(address_, pages_ * kCostPageBytes);
  close(fd_);
}

void CostMemory::WritePage(int index) const {
  // Not zero, which swap keeps no slot's content for from 6.12 on.
  *reinterpret_cast<volatile uint64_t*>(page(index)) = index + 1;
}

void CostMemory::Write(int first, int end) const {
  for (int i = first; i < end; ++i) WritePage(i);
}

void CostMemory::Read(int first, int end) const {
  for (int i = first; i < end; ++i) *static_cast<volatile char*>(page(i));
}

void CostMemory::AskPageOut(int first, int end) const {
  if (madvise(page(first), (end - first) * kCostPageBytes, MADV_PAGEOUT) != 0) {
    CostFails("MADV_PAGEOUT");
  }
}

void CostMemory::PageOutAll(int first, int end, int expected) const {
  for (int tries = 0; tries < 20; ++tries) {
    AskPageOut(first, end);
    if (SwappedPages() == expected) return;
  }
  fprintf(stderr, "cost: %d of %d pages in swap\n", SwappedPages(), expected);
  exit(1);
}

void CostMemory::Unmap(int first, int end) const {
  if (madvise(page(first), (end - first) * kCostPageBytes, MADV_DONTNEED) != 0) {
    CostFails("MADV_DONTNEED");
  }
}

void CostMemory::Empty() const {
  if (madvise(address_, pages_ * kCostPageBytes, MADV_REMOVE) != 0) CostFails("MADV_REMOVE");
}

int CostMemory::SwappedPages() const {
  FILE* file = fopen("/proc/self/smaps", "re");
  if (file == nullptr) CostFails("smaps");
  char line[512];
  unsigned long start = 0, end = 0, kib = 0;
  bool inside = false;
  while (fgets(line, sizeof(line), file) != nullptr) {
    if (sscanf(line, "%lx-%lx", &start, &end) == 2) {
      inside = start == reinterpret_cast<uintptr_t>(address_);
    } else if (inside && sscanf(line, "Swap: %lu kB", &kib) == 1) {
      break;
    }
  }
  fclose(file);
  return static_cast<int>(kib * 1024 / kCostPageBytes);
}

}  // namespace pagemapd
