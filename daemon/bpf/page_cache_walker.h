#ifndef PAGEMAPD_DAEMON_BPF_PAGE_CACHE_WALKER_H_
#define PAGEMAPD_DAEMON_BPF_PAGE_CACHE_WALKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/bpf/page_cache_leaf.h"

struct page_cache_walk_bpf;

namespace pagemapd {

// Swap entry in a page-cache leaf (swp_to_radix_entry in include/linux/swapops.h): bit 0 set, 58
// bits of offset, 5 bits of type.
constexpr uint32_t SwapTypeOfValue(uint64_t entry) { return static_cast<uint32_t>(entry >> 59); }
constexpr uint64_t SwapOffsetOfValue(uint64_t entry) {
  return entry >> 1 & ((uint64_t{1} << 58) - 1);
}

// Reads the page cache of tmpfs files by a BPF program (page_cache_walk.bpf.c): what Linux 5.17 or
// later lets a process with CAP_BPF and CAP_PERFMON do.
//
// The program is loaded once. It writes into memory that is divided into slices, 140 KB each, so
// that as many threads can walk at once: each must keep to a slice of its own.
class PageCacheWalker {
 public:
  // Loads the program, and has it read a file of our own, whose pages mincore tells as well. An
  // error says why this kernel, or this process's privileges, do not allow it.
  static absl::StatusOr<std::unique_ptr<PageCacheWalker>> Load(int slices);

  PageCacheWalker(const PageCacheWalker&) = delete;
  PageCacheWalker& operator=(const PageCacheWalker&) = delete;
  ~PageCacheWalker();

  struct Range {
    uint64_t first_leaf = 0;
    // At most PAGE_CACHE_WALK_LEAVES.
    size_t leaves = 0;
    // Have the sizes of folios told, which takes longer.
    bool sizes = false;
  };
  // The leaves of `fd` in `range`. One that is still PAGE_CACHE_LEAF_LOST, or has an internal entry
  // that is no sibling, or the sibling of one that is none, was changing at each of three looks.
  // The span is valid until the slice's next walk. FAILED_PRECONDITION for a file that is not of
  // tmpfs.
  absl::StatusOr<absl::Span<const page_cache_leaf>> Walk(int slice, int fd, const Range& range);

  // A leaf in [first_leaf, end_leaf] before which, from `first_leaf` on, all are holes; the last
  // of them, unless the tree is very ragged. Errors as Walk.
  absl::StatusOr<uint64_t> SkipHoles(int slice, int fd, uint64_t first_leaf, uint64_t end_leaf);

 private:
  PageCacheWalker() = default;

  absl::Status Open(int slices);
  absl::Status CheckOnOwnFile();
  absl::Status Run(int program_fd, const page_cache_walk_args& args);

  page_cache_walk_bpf* programs_ = nullptr;
  int walk_fd_ = -1;
  int skip_fd_ = -1;
  page_cache_leaf* leaves_ = nullptr;
  size_t leaves_bytes_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_BPF_PAGE_CACHE_WALKER_H_
