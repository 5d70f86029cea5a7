#ifndef PAGEMAPD_TESTS_QEMU_STRESS_PAGEMAP_H_
#define PAGEMAPD_TESTS_QEMU_STRESS_PAGEMAP_H_

#include <cstdint>

#include "tests/qemu/stress_ledger.h"

namespace pagemapd {

// One process's pagemap, and what every entry of it must be like.
class StressPagemap {
 public:
  // The longest read.
  static constexpr int kMaxEntries = 32768;

  StressPagemap() = default;
  StressPagemap(const StressPagemap&) = delete;
  ~StressPagemap();

  // "self" or a pid. False if there is no such process.
  bool Open(const char* process, Ledger* ledger);

  // Entries read into entries(), at most kMaxEntries; counts what was seen. An entry that is both
  // present and swapped is a failure.
  int Read(uintptr_t address, int pages);
  const uint64_t* entries() const { return entries_; }

  // PAGEMAP_SCAN (Linux 6.7); with `protect`, write-protects the pages found. `categories` are
  // those a page must all have, 0 for any page. Regions found; -1 where the kernel cannot.
  int Scan(uintptr_t address, int pages, uint64_t categories, bool protect);

 private:
  int fd_ = -1;
  Ledger* ledger_ = nullptr;
  uint64_t entries_[kMaxEntries];
};

inline constexpr uint64_t kEntryFile = uint64_t{1} << 61;
inline constexpr uint64_t kEntrySwap = uint64_t{1} << 62;
inline constexpr uint64_t kEntryPresent = uint64_t{1} << 63;

// PAGE_IS_* of include/uapi/linux/fs.h (Linux 6.7).
inline constexpr uint64_t kScanWritten = 1 << 1;
inline constexpr uint64_t kScanPresent = 1 << 3;
inline constexpr uint64_t kScanSwapped = 1 << 4;

// A page in a swap area, which a marker is not.
inline bool InSwapArea(uint64_t entry) { return (entry & kEntrySwap) && (entry & 31) < 22; }

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_STRESS_PAGEMAP_H_
