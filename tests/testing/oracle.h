#ifndef PAGEMAPD_TESTS_TESTING_ORACLE_H_
#define PAGEMAPD_TESTS_TESTING_ORACLE_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace pagemapd {

// What a page is, learnt by other means than the daemon's: one pagemap entry, one cachestat(2) call
// of one page, and SEEK_DATA on the object, page by page. Shares no code with the daemon, and is as
// slow as that is simple.
//
// Before cachestat (Linux 6.5) it is mincore(2), to which a swapped page is resident while a copy
// of it is in the swap cache: the oracle then takes it for cached.
enum class TrueState : uint8_t { kHole, kMapped, kCached, kSwapped, kSpecial };

const char* Name(TrueState state);

struct TruePage {
  TrueState state = TrueState::kHole;
  // kSwapped, by the pagemap entry: whether it names a slot, and which.
  bool has_slot = false;
  uint32_t swap_type = 0;
  uint64_t swap_offset = 0;
  // kMapped.
  uint64_t pfn = 0;

  friend bool operator==(const TruePage& a, const TruePage& b) {
    return a.state == b.state && a.has_slot == b.has_slot && a.swap_type == b.swap_type &&
           a.swap_offset == b.swap_offset && a.pfn == b.pfn;
  }
};

// What stands behind a mapping's pages.
enum class Backing {
  // Private anonymous memory: nothing.
  kNone,
  // A shmem object: pages resident, in swap, or neither.
  kShmem,
  // A file on disk: a page that is not resident is no page; what cachestat calls evicted there is a
  // shadow of one.
  kFile,
};

// The pages of an object, from page `first_index` on.
absl::StatusOr<std::vector<TruePage>> ObjectTruth(int object_fd, Backing backing,
                                                  uint64_t first_index, uint64_t pages);

// The pages of a process from `address` on. `object_fd` is not used for Backing::kNone.
absl::StatusOr<std::vector<TruePage>> ProcessTruth(pid_t pid, uint64_t address, uint64_t pages,
                                                   Backing backing, int object_fd,
                                                   uint64_t first_index);

// /proc/PID/pagemap as it is.
absl::StatusOr<std::vector<uint64_t>> ReadPagemap(pid_t pid, uint64_t address, uint64_t pages);

// /proc/kpageflags of one frame.
absl::StatusOr<uint64_t> ReadKpageflags(uint64_t pfn);

// The pages of an object: by cachestat(2), which counts fallocated pages as cached, or, where there
// is none, of ObjectTruth, to which they are holes.
struct ObjectCounts {
  uint64_t cached = 0;
  uint64_t evicted = 0;
};
absl::StatusOr<ObjectCounts> CountObject(int object_fd, uint64_t first_index, uint64_t pages);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_ORACLE_H_
