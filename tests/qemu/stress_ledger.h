#ifndef PAGEMAPD_TESTS_QEMU_STRESS_LEDGER_H_
#define PAGEMAPD_TESTS_QEMU_STRESS_LEDGER_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace pagemapd {

inline constexpr size_t kPageBytes = 4096;
inline constexpr int kObjects = 8;
// Four page tables an object.
inline constexpr int kObjectPages = 2048;
inline constexpr int kWorkers = 3;
inline constexpr int kSlots = 6;

// What is done, and what is seen meanwhile; each is counted.
enum class Op {
  kWrite,
  kRead,
  kFileWrite,
  kFileRead,
  kPageOut,
  kDontNeed,
  kCold,
  kCollapse,
  kPopulate,
  kWriteProtect,
  kWriteAllow,
  kScanAndProtect,
  kProtect,
  kMove,
  kMoveAndKeep,
  kRemap,
  kFork,
  kPunch,
  kShrink,
  kGrow,
  kExit,
  kFault,
  kPagemapRead,
  kPagemapScan,
  kSmaps,
  kClearRefs,
  kKnob,
  kSwapOff,
  kSawPresent,
  kSawSwapped,
  kSawMarker,
  kSawNone,
  kNumber,
};
const char* Name(Op op);

// What a page of an object has to hold. Whoever looks at the page, or changes it, holds the lock.
struct PageState {
  // 0: zeros. It grows with each write, and starts at 0 again with a punched hole.
  static constexpr uint32_t kBeyondEnd = UINT32_MAX;

  std::atomic<uint32_t> locked;
  uint32_t generation;

  void Lock();
  void Unlock() { locked.store(0, std::memory_order_release); }
};

class PageLock {
 public:
  // `count` pages from `first` on, in ascending order, so that no two of these wait for each other.
  explicit PageLock(PageState* first, int count = 1) : first_(first), count_(count) {
    for (int i = 0; i < count_; ++i) first_[i].Lock();
  }
  PageLock(const PageLock&) = delete;
  ~PageLock() {
    for (int i = 0; i < count_; ++i) first_[i].Unlock();
  }

 private:
  PageState* first_;
  int count_;
};

// Where a worker has something mapped, for those who read its pagemap. A hint: it may be gone.
struct PublishedSlot {
  std::atomic<uintptr_t> address;
  std::atomic<int> pages;
};

// What all processes share; never reclaimed, since it is locked in memory.
struct Ledger {
  // Maps one for this process and those it forks. nullptr if that fails.
  static Ledger* Create();

  void Count(Op op, uint64_t by = 1) {
    counts[static_cast<int>(op)].fetch_add(by, std::memory_order_relaxed);
  }
  uint64_t count(Op op) const { return counts[static_cast<int>(op)].load(); }

  std::atomic<bool> stop;
  std::atomic<uint64_t> failures;
  std::atomic<uint64_t> counts[static_cast<int>(Op::kNumber)];
  std::atomic<pid_t> worker_pids[kWorkers];
  PublishedSlot slots[kWorkers][kSlots];
  // Held while an object changes its size.
  std::atomic<bool> resizing[kObjects];
  int size_pages[kObjects];
  PageState pages[kObjects][kObjectPages];
};

// Every word of the page becomes one that only this object, index and generation have.
void FillPage(uint64_t* words, int object, int index, uint32_t generation);

// Whether it is that content, or zeros for generation 0. Says what it found if not, and counts it.
bool CheckPage(Ledger* ledger, const char* way, const uint64_t* words, int object, int index,
               uint32_t generation);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_STRESS_LEDGER_H_
