#include "tests/qemu/stress_ledger.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

namespace pagemapd {
namespace {

constexpr int kWords = kPageBytes / sizeof(uint64_t);

uint64_t Word(int object, int index, uint32_t generation, int word) {
  if (generation == 0) return 0;
  const uint64_t head =
      static_cast<uint64_t>(object + 1) << 56 | static_cast<uint64_t>(index) << 32 | generation;
  // Odd, so that no two words of a page are the same.
  return head ^ (word * 0x9e3779b97f4a7c15);
}

}  // namespace

const char* Name(Op op) {
  static constexpr const char* kNames[] = {
      "write",      "read",       "file_write",     "file_read",    "pageout",      "dontneed",
      "cold",       "collapse",   "populate",       "uffd_protect", "uffd_allow",   "scan_protect",
      "mprotect",   "move",       "move_dontunmap", "remap",        "fork",         "punch",
      "shrink",     "grow",       "exit",           "uffd_fault",   "pagemap_read", "pagemap_scan",
      "smaps",      "clear_refs", "knob",           "swapoff",      "saw_present",  "saw_swapped",
      "saw_marker", "saw_none",
  };
  static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(Op::kNumber));
  return kNames[static_cast<int>(op)];
}

void PageState::Lock() {
  for (int tries = 0; locked.exchange(1, std::memory_order_acquire) != 0; ++tries) {
    // The holder may wait for a page to come back from swap.
    if (tries < 100) {
      sched_yield();
    } else {
      usleep(500);
    }
  }
}

Ledger* Ledger::Create() {
  void* memory = mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED || mlock(memory, sizeof(Ledger)) != 0) return nullptr;
  return static_cast<Ledger*>(memory);
}

void FillPage(uint64_t* words, int object, int index, uint32_t generation) {
  for (int i = 0; i < kWords; ++i) words[i] = Word(object, index, generation, i);
}

bool CheckPage(Ledger* ledger, const char* way, const uint64_t* words, int object, int index,
               uint32_t generation) {
  for (int i = 0; i < kWords; ++i) {
    const uint64_t found = words[i];
    if (found == Word(object, index, generation, i)) continue;
    ledger->failures.fetch_add(1);
    dprintf(STDERR_FILENO,
            "stress: %s: object %d index %d generation %u: word %d is %#llx, not %#llx\n", way,
            object, index, generation, i, static_cast<unsigned long long>(found),
            static_cast<unsigned long long>(Word(object, index, generation, i)));
    return false;
  }
  return true;
}

}  // namespace pagemapd
