#include "tests/qemu/stress_disturbance.h"

#include <fcntl.h>
#include <sys/swap.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include "tests/qemu/stress_pagemap.h"
#include "tests/qemu/stress_worker.h"

namespace pagemapd {
namespace {

bool WriteFile(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text));
  close(fd);
  return written;
}

void ReadSmaps(const char* process) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%s/smaps", process);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  char text[4096];
  while (fd >= 0 && read(fd, text, sizeof(text)) > 0) {
  }
  if (fd >= 0) close(fd);
}

// Small and large lengths are equally likely.
int RollLength(Dice& dice) {
  const int scale = 1 << dice.Roll(16);
  return scale + dice.Roll(scale);
}

}  // namespace

void ReadOtherPagemaps(Ledger* ledger, uint64_t seed) {
  Dice dice(seed);
  auto pagemap = std::make_unique<StressPagemap>();
  while (!ledger->stop) {
    const int worker = dice.Roll(kWorkers);
    const PublishedSlot& slot = ledger->slots[worker][dice.Roll(kSlots)];
    const uintptr_t address = slot.address;
    const int pages = slot.pages;
    const std::string process = std::to_string(ledger->worker_pids[worker]);
    // It may just have ended.
    if (address == 0 || pages == 0 || !pagemap->Open(process.c_str(), ledger)) continue;
    for (int i = 0; i < 50; ++i) {
      const uintptr_t from = address + dice.Roll(pages) * kPageBytes;
      const int length = RollLength(dice);
      if (dice.OneIn(3)) {
        pagemap->Scan(from, length, dice.OneIn(2) ? kScanSwapped : 0, false);
      } else {
        pagemap->Read(from, length);
      }
    }
    // The workers are to have the CPUs, too.
    usleep(5000);
    if (dice.OneIn(10)) {
      ReadSmaps(process.c_str());
      ledger->Count(Op::kSmaps);
    }
    if (dice.OneIn(20) && WriteFile(("/proc/" + process + "/clear_refs").c_str(), "4")) {
      ledger->Count(Op::kClearRefs);
    }
  }
}

void SwapOffAndOn(Ledger* ledger, const std::vector<std::string>& areas) {
  while (!ledger->stop) {
    for (const std::string& area : areas) {
      for (int i = 0; i < 20 && !ledger->stop; ++i) usleep(100000);
      // Refused where the rest has no room for what is in it.
      if (swapoff(area.c_str()) != 0) continue;
      ledger->Count(Op::kSwapOff);
      usleep(100000);
      if (swapon(area.c_str(), 0) != 0) {
        ledger->failures.fetch_add(1);
        dprintf(STDERR_FILENO, "stress: swapon %s: %m\n", area.c_str());
      }
    }
  }
}

bool SetKnobs(const char* swap, const char* markers) {
  return WriteFile("/sys/kernel/mm/pagemap/shmem_swap", swap) &&
         WriteFile("/sys/kernel/mm/pagemap/shmem_markers", markers);
}

void TurnKnobs(Ledger* ledger, uint64_t seed) {
  static constexpr const char* kModes[] = {"off", "marker", "full", "full"};
  Dice dice(seed);
  while (!ledger->stop) {
    usleep(1000 + dice.Roll(100000));
    if (!SetKnobs(kModes[dice.Roll(4)], dice.Roll(3) > 0 ? "1" : "0")) return;
    ledger->Count(Op::kKnob);
  }
}

}  // namespace pagemapd
