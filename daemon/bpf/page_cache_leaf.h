#ifndef PAGEMAPD_DAEMON_BPF_PAGE_CACHE_LEAF_H_
#define PAGEMAPD_DAEMON_BPF_PAGE_CACHE_LEAF_H_

// What page_cache_walk.bpf.c hands to user space. Included by both; C.

#include <linux/types.h>

// Pages of a leaf node of the page-cache xarray: XA_CHUNK_SIZE of include/linux/xarray.h, unless
// the kernel is built for very small machines.
#define PAGE_CACHE_LEAF_SHIFT 6
#define PAGE_CACHE_LEAF_PAGES (1 << PAGE_CACHE_LEAF_SHIFT)

// Leaves of one walk, at most: 16Ki pages and one leaf for a start in the middle of one. Nothing
// reschedules inside a walk; this many take some 30 us.
#define PAGE_CACHE_WALK_LEAVES 257

// What an entry of the xarray is, to the reader of a leaf. Swap entries and siblings are as in the
// kernel (include/linux/xarray.h); pointers never leave it.
//
//   0                        nothing
//   value & 1                swap entry: see page_cache_walker.h
//   value < 256, & 3 == 2    sibling of the entry in slot value >> 2 of the same leaf
//   PAGE_CACHE_RESIDENT      a folio
//   PAGE_CACHE_UNWRITTEN     a folio that was allocated and never written
//   PAGE_CACHE_LOST          an entry that is being changed
#define PAGE_CACHE_RESIDENT 4
#define PAGE_CACHE_UNWRITTEN 8
#define PAGE_CACHE_LOST 1026

enum page_cache_leaf_kind {
  // No page.
  PAGE_CACHE_LEAF_HOLE = 0,
  // `slots` holds an entry a page.
  PAGE_CACHE_LEAF_SLOTS = 1,
  // All pages belong to `entry`, which is larger than a leaf.
  PAGE_CACHE_LEAF_WHOLE = 2,
  // The tree changed underneath: walk again.
  PAGE_CACHE_LEAF_LOST = 3,
};

struct page_cache_leaf {
  __u32 kind;
  // WHOLE: log2 of the pages of `entry`.
  __u32 order;
  // WHOLE: the entry, and the index of its first page.
  __u64 entry;
  __u64 entry_index;
  // SLOTS: some entries are larger than a page, so there are siblings.
  __u64 has_siblings;
  __u64 slots[PAGE_CACHE_LEAF_PAGES];
};

// Arguments of the program, as those of a raw tracepoint.
struct page_cache_walk_args {
  // Of the calling process.
  __u64 fd;
  // Index of the first page >> PAGE_CACHE_LEAF_SHIFT.
  __u64 first_leaf;
  // At most PAGE_CACHE_WALK_LEAVES.
  __u64 leaves;
  // Which PAGE_CACHE_WALK_LEAVES elements of the map to write.
  __u64 slice;
};

enum page_cache_walk_result {
  PAGE_CACHE_WALK_DONE = 0,
  PAGE_CACHE_WALK_BAD_ARGUMENT = 1,
  PAGE_CACHE_WALK_BAD_FD = 2,
  // Values of other filesystems' xarrays are no swap entries.
  PAGE_CACHE_WALK_NOT_TMPFS = 3,
};

#endif  // PAGEMAPD_DAEMON_BPF_PAGE_CACHE_LEAF_H_
