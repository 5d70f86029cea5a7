// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#ifndef PAGEMAPD_DAEMON_BPF_PAGE_CACHE_TREE_H_
#define PAGEMAPD_DAEMON_BPF_PAGE_CACHE_TREE_H_

// The way from a file descriptor to the leaves of its page-cache xarray (lib/xarray.c,
// include/linux/xarray.h), for page_cache_walk.bpf.c alone.

#include <linux/bpf.h>
// Behind linux/bpf.h.
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "daemon/bpf/kernel_read.h"
#include "daemon/bpf/kernel_types.h"
#include "daemon/bpf/page_cache_leaf.h"

#define SLOT_MASK (PAGE_CACHE_LEAF_PAGES - 1)
// Levels of a tree over 64-bit indices.
#define MAX_LEVELS 11
// A node one above the leaves: pages of one of its slots, and of all.
#define UPPER_SHIFT PAGE_CACHE_LEAF_SHIFT
#define REGION_LEAVES PAGE_CACHE_LEAF_PAGES
// In place of the root's shift: the root was freed or moved.
#define ROOT_LOST 255
#define RETRY_ENTRY 1026
#define TMPFS_SUPER_MAGIC 0x01021994

enum region_kind {
  REGION_HOLE,
  REGION_LOST,
  // scratch.upper holds the node whose slots are the region's leaves.
  REGION_UPPER,
  // The whole tree is one leaf node, or one entry without a node, for the first leaf.
  REGION_ROOT,
};

struct walk {
  __u64 xarray;
  __u64 root;
  __u64 root_shift;
  __u64 first_leaf;
  __u64 fallocated_end;
  // Of skip_holes, else 0.
  __u64 end_leaf;
  __u64 first_element;
  __u64 sizes;
  // What was found last above the leaves, for the REGION_LEAVES leaves from region * REGION_LEAVES.
  __u64 region;
  __u64 region_kind;
  __u64 upper;
  // REGION_HOLE: the leaf before which it does not end; 0: it has no end.
  __u64 hole_end;
  // Of the leaf before: all folios; nothing but folios and holes. What to try first on the next.
  __u64 was_full;
  __u64 was_folios;
};

// Of one slice. Nodes are as they are in the kernel, pointers included: never mapped. The walk is
// here and not on the stack, since verifiers before Linux 6.7 see a callback of bpf_loop run once
// only, and take what the stack holds by then for what it always holds.
struct scratch {
  struct walk walk;
  __u64 upper[PAGE_CACHE_LEAF_PAGES];
  __u64 leaf[PAGE_CACHE_LEAF_PAGES];
  __u64 again[PAGE_CACHE_LEAF_PAGES];
};

static __always_inline bool is_node(__u64 entry) { return (entry & 3) == 2 && entry > 4096; }
static __always_inline bool is_sibling(__u64 entry) { return (entry & 3) == 2 && entry < 256; }
static __always_inline bool is_folio(__u64 entry) { return entry != 0 && (entry & 3) == 0; }
static __always_inline __u64 node_of(__u64 entry) { return entry & ~(__u64)2; }

// clang would drop a mask that it can prove to do nothing, and the verifier cannot prove that.
static __always_inline __u64 slot_of(__u64 value) {
  asm volatile("" : "+r"(value));
  return value & SLOT_MASK;
}

static __always_inline bool read_slots(void* to, __u64 node) {
  return bpf_probe_read_kernel(
             to, PAGE_CACHE_LEAF_PAGES * sizeof(__u64),
             (const void*)(node + bpf_core_field_offset(struct xa_node, slots))) == 0;
}

static __always_inline bool read_slot(__u64* to, __u64 node, __u64 slot) {
  return read_u64(to, node + bpf_core_field_offset(struct xa_node, slots) + slot * sizeof(__u64));
}

// A node that was freed or given to another tree names another array, or none. Looked at after its
// slots were read: what was read then was part of this tree.
static __always_inline bool belongs(const struct walk* walk, __u64 node) {
  __u64 array = 0;
  return read_u64(&array, node + bpf_core_field_offset(struct xa_node, array)) &&
         array == walk->xarray;
}

// Whether the folio at `address` has content. One that fallocate put there has none until it is
// written; `flags` is the first word of struct page and of struct folio (include/linux/mm_types.h).
// A function of its own to the verifier, and so looked at once.
__noinline int is_written(__u64 address) {
  __u64 flags = 0;
  return read_u64(&flags, address) &&
         (flags >> bpf_core_enum_value(enum pageflags, PG_uptodate) & 1);
}

// Where the hole ends that the slot of `node` for `region` is in, as far as `node` tells.
static __always_inline __u64 find_hole_end(const struct walk* walk, struct scratch* scratch,
                                           __u64 region, __u64 shift, __u64 node) {
  // The slot, counted from that of index 0.
  const __u64 slot = region >> ((shift - UPPER_SHIFT - PAGE_CACHE_LEAF_SHIFT) & 63);
  __u64 next = slot + 1;
  // Only for who skips holes.
  if (walk->end_leaf != 0 && read_slots(scratch->again, node) && belongs(walk, node)) {
    for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
      if ((next & SLOT_MASK) == 0 || scratch->again[slot_of(next)] != 0) break;
      ++next;
    }
  }
  return next << ((shift - PAGE_CACHE_LEAF_SHIFT) & 63);
}

// Finds what lies above the leaves of `region`.
__noinline int load_region(struct walk* walk, struct scratch* scratch, __u64 region) {
  __u64 entry, shift, slot, node;
  if (!walk || !scratch) return 0;
  entry = walk->root;
  shift = walk->root_shift;
  walk->region = region;
  walk->region_kind = REGION_LOST;
  if (shift == ROOT_LOST) return 0;
  if (!is_node(entry) || shift == 0) {
    walk->region_kind = region == 0 ? REGION_ROOT : REGION_HOLE;
    walk->hole_end = 0;
    return 0;
  }
  for (int level = 0; level < MAX_LEVELS; ++level) {
    node = node_of(entry);
    if (shift == UPPER_SHIFT) {
      // Above the root's reach there is nothing; below the root, the mask does no harm.
      if (level == 0 && region > 0) {
        walk->region_kind = REGION_HOLE;
        walk->hole_end = 0;
      } else if (read_slots(scratch->upper, node) && belongs(walk, node)) {
        walk->upper = node;
        walk->region_kind = REGION_UPPER;
      }
      return 0;
    }
    // A region is UPPER_SHIFT + PAGE_CACHE_LEAF_SHIFT bits of an index.
    slot = shift >= 64 ? 0 : region >> ((shift - UPPER_SHIFT - PAGE_CACHE_LEAF_SHIFT) & 63);
    if (level == 0 && slot > SLOT_MASK) {
      walk->region_kind = REGION_HOLE;
      walk->hole_end = 0;
      return 0;
    }
    slot = slot_of(slot);
    if (!read_slot(&entry, node, slot) || !belongs(walk, node)) return 0;
    if (entry == 0) {
      walk->region_kind = REGION_HOLE;
      walk->hole_end = find_hole_end(walk, scratch, region, shift, node);
      return 0;
    }
    // No folio and no swap entry is as large as a slot here (MAX_PAGECACHE_ORDER).
    if (!is_node(entry)) return 0;
    shift -= PAGE_CACHE_LEAF_SHIFT;
  }
  return 0;
}

// Finds the page cache of the file open as `fd`.
static __always_inline int open_walk(struct walk* walk, __u64 fd) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  struct fdtable* fdt = BPF_CORE_READ(task, files, fdt);
  struct file** files = BPF_CORE_READ(fdt, fd);
  struct file* file = 0;
  struct address_space* mapping;
  struct inode* inode;
  unsigned char shift = 0;
  if (fd >= BPF_CORE_READ(fdt, max_fds)) return PAGE_CACHE_WALK_BAD_FD;
  bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
  if (!file) return PAGE_CACHE_WALK_BAD_FD;
  mapping = BPF_CORE_READ(file, f_mapping);
  inode = BPF_CORE_READ(mapping, host);
  if (!inode) return PAGE_CACHE_WALK_BAD_FD;
  if (BPF_CORE_READ(inode, i_sb, s_magic) != TMPFS_SUPER_MAGIC) return PAGE_CACHE_WALK_NOT_TMPFS;
  // No page at or above fallocend was put there by fallocate (shmem_fallocate in mm/shmem.c).
  if (!read_u64(&walk->fallocated_end,
                (__u64)inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode) +
                    bpf_core_field_offset(struct shmem_inode_info, fallocend))) {
    walk->fallocated_end = ~(__u64)0;
  }
  walk->xarray = (__u64)mapping + bpf_core_field_offset(struct address_space, i_pages);
  walk->root = (__u64)BPF_CORE_READ(mapping, i_pages.xa_head);
  walk->region = ~(__u64)0;
  walk->was_full = 1;
  walk->was_folios = 1;
  if (is_node(walk->root)) {
    const __u64 node = node_of(walk->root);
    if (bpf_probe_read_kernel(&shift, sizeof(shift),
                              (void*)(node + bpf_core_field_offset(struct xa_node, shift))) != 0 ||
        !belongs(walk, node)) {
      shift = ROOT_LOST;
    }
  }
  walk->root_shift = shift;
  return PAGE_CACHE_WALK_DONE;
}

#endif  // PAGEMAPD_DAEMON_BPF_PAGE_CACHE_TREE_H_
