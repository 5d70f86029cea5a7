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

// Steps of one run of skip_holes, at most: a step is a hole's part of one node.
#define PAGE_CACHE_SKIP_STEPS 4096

enum page_cache_leaf_kind {
  // No page.
  PAGE_CACHE_LEAF_HOLE = 0,
  // All pages are in RAM: of folios of any sizes, `order` is 0; of one that is larger than a leaf.
  PAGE_CACHE_LEAF_FOLIO = 1,
  // All pages are of one swap entry that is larger than a leaf.
  PAGE_CACHE_LEAF_VALUE = 2,
  // An entry a page: each a folio of one page, a swap entry, or none.
  PAGE_CACHE_LEAF_PAGES_EACH = 3,
  // An entry a page, some of them larger than a page.
  PAGE_CACHE_LEAF_SIBLINGS = 4,
  // The tree changed underneath: walk again.
  PAGE_CACHE_LEAF_LOST = 5,
};

// Pages that are fallocated and were never written are as no page. Pointers never leave the kernel.
struct page_cache_leaf {
  __u32 kind;
  // FOLIO, VALUE: log2 of its pages.
  __u32 order;
  // VALUE: the swap entry (see page_cache_walker.h) of the page with index `value_index`.
  __u64 value;
  __u64 value_index;
  // PAGES_EACH: a bit a page in RAM, and a bit a swap entry.
  __u64 folios;
  __u64 values;
  // PAGES_EACH: the swap entries.
  // SIBLINGS: 0 is no page, PAGE_CACHE_FOLIO a page in RAM, odd a swap entry, and the rest the
  // xarray's own: a sibling, of the same folio or large swap entry as the slot
  // PAGE_CACHE_HEAD(entry), or an entry that was being changed.
  __u64 slots[PAGE_CACHE_LEAF_PAGES];
};

#define PAGE_CACHE_FOLIO 4
#define PAGE_CACHE_IS_SIBLING(entry) (((entry)&3) == 2 && (entry) < 256)
#define PAGE_CACHE_HEAD(entry) ((entry) >> 2)

// Arguments of both programs, as those of a raw tracepoint.
struct page_cache_walk_args {
  // Of the calling process.
  __u64 fd;
  // Index of the first page >> PAGE_CACHE_LEAF_SHIFT.
  __u64 first_leaf;
  // walk_page_cache: at most PAGE_CACHE_WALK_LEAVES.
  __u64 leaves;
  // walk_page_cache: not 0 to have the sizes of folios told.
  __u64 sizes;
  // Where in the map the first leaf goes. A multiple of PAGE_CACHE_WALK_LEAVES begins a slice,
  // which the leaves of one walk must not leave, and one run at a time may use.
  __u64 first_element;
};

enum page_cache_walk_result {
  PAGE_CACHE_WALK_DONE = 0,
  PAGE_CACHE_WALK_BAD_ARGUMENT = 1,
  PAGE_CACHE_WALK_BAD_FD = 2,
  // Values of other filesystems' xarrays are no swap entries.
  PAGE_CACHE_WALK_NOT_TMPFS = 3,
};

#endif  // PAGEMAPD_DAEMON_BPF_PAGE_CACHE_LEAF_H_
