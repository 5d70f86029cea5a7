#include "tests/qemu/stress_pagemap.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace pagemapd {
namespace {

// include/uapi/linux/fs.h (Linux 6.7).
struct PageRegion {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};

struct ScanArgument {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t vec;
  uint64_t vec_len;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};

constexpr uint64_t kScanProtectMatching = 1 << 0;
constexpr uint64_t kEveryCategory = 0xff;

}  // namespace

StressPagemap::~StressPagemap() {
  if (fd_ >= 0) close(fd_);
}

bool StressPagemap::Open(const char* process, Ledger* ledger) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%s/pagemap", process);
  ledger_ = ledger;
  if (fd_ >= 0) close(fd_);
  fd_ = open(path, O_RDONLY | O_CLOEXEC);
  return fd_ >= 0;
}

int StressPagemap::Read(uintptr_t address, int pages) {
  const ssize_t bytes = pread(fd_, entries_, std::min(pages, kMaxEntries) * sizeof(uint64_t),
                              static_cast<off_t>(address / kPageBytes * sizeof(uint64_t)));
  ledger_->Count(Op::kPagemapRead);
  const int read = bytes < 0 ? 0 : static_cast<int>(bytes / sizeof(uint64_t));
  uint64_t present = 0, swapped = 0, marker = 0;
  for (int i = 0; i < read; ++i) {
    present += (entries_[i] & kEntryPresent) != 0;
    swapped += InSwapArea(entries_[i]);
    marker += (entries_[i] & kEntrySwap) != 0 && !InSwapArea(entries_[i]);
    if ((entries_[i] & kEntryPresent) && (entries_[i] & kEntrySwap)) {
      ledger_->failures.fetch_add(1);
      dprintf(STDERR_FILENO, "stress: entry %#llx is present and swapped\n",
              static_cast<unsigned long long>(entries_[i]));
    }
  }
  ledger_->Count(Op::kSawPresent, present);
  ledger_->Count(Op::kSawSwapped, swapped);
  ledger_->Count(Op::kSawMarker, marker);
  ledger_->Count(Op::kSawNone, read - present - swapped - marker);
  return read;
}

int StressPagemap::Scan(uintptr_t address, int pages, uint64_t categories, bool protect) {
  PageRegion regions[64];
  ScanArgument argument = {};
  argument.size = sizeof(argument);
  argument.flags = protect ? kScanProtectMatching : 0;
  argument.start = address;
  argument.end = address + pages * kPageBytes;
  argument.vec = reinterpret_cast<uintptr_t>(regions);
  argument.vec_len = sizeof(regions) / sizeof(regions[0]);
  argument.category_mask = categories;
  argument.return_mask = kEveryCategory;
  const int found = ioctl(fd_, _IOWR('f', 16, ScanArgument), &argument);
  if (found >= 0) ledger_->Count(protect ? Op::kScanAndProtect : Op::kPagemapScan);
  return found;
}

}  // namespace pagemapd
