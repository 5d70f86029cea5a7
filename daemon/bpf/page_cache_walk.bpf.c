// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Copies the page cache of one tmpfs file, leaf node by leaf node, into a map that user space has
// mapped. Run by BPF_PROG_TEST_RUN as a raw tracepoint: under RCU, so that no node that is reached
// is reused before the end, and without sleeping. The caller holds the file open, which keeps inode
// and mapping. All of the xarray here is of lib/xarray.c and include/linux/xarray.h.

#include <linux/bpf.h>
// Behind linux/bpf.h.
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

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
#define TMPFS_SUPER_MAGIC 0x01021994

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, PAGE_CACHE_WALK_LEAVES);  // times the slices, by the loader
  __type(key, __u32);
  __type(value, struct page_cache_leaf);
} leaves SEC(".maps");

// Nodes as they are in the kernel, pointers included: never mapped. An element a slice.
struct scratch {
  __u64 upper[PAGE_CACHE_LEAF_PAGES];
  __u64 leaf[PAGE_CACHE_LEAF_PAGES];
  __u64 again[PAGE_CACHE_LEAF_PAGES];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);  // times the slices, by the loader
  __type(key, __u32);
  __type(value, struct scratch);
} scratch_nodes SEC(".maps");

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
  __u64 slice;
  // What was found last above the leaves, for the REGION_LEAVES leaves from region * REGION_LEAVES.
  __u64 region;
  __u64 region_kind;
  __u64 upper;
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

static __always_inline bool read_u64(__u64* to, __u64 from) {
  return bpf_probe_read_kernel(to, sizeof(*to), (const void*)from) == 0;
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

// All ones if any bit of `value`, which is less than 2^63, is set, else 0. By arithmetic that clang
// does not turn into a branch: a branch in a loop over slots is what the verifier counts.
static __always_inline __u64 ones_if(__u64 value) {
  value = -value >> 63;
  asm volatile("" : "+r"(value));
  return -value;
}

// The entry as user space may see it, if every folio has content.
static __always_inline __u64 masked(__u64 entry) {
  // Values have bit 0, internal entries bit 1 alone, pointers to folios neither.
  const __u64 value = ones_if(entry & 1);
  const __u64 internal = ~value & ones_if(entry & 2);
  const __u64 node = internal & ones_if(entry >> 12);
  const __u64 folio = ~value & ~internal & ones_if(entry >> 2);
  return (entry & (value | (internal & ~node))) | (PAGE_CACHE_LOST & node) |
         (PAGE_CACHE_RESIDENT & folio);
}

// The same where fallocate has been. A function of its own to the verifier.
__noinline __u64 written_or_not(__u64 entry) {
  __u64 flags = 0;
  if (!is_folio(entry)) return masked(entry);
  // `flags` is the first word of struct page and of struct folio (include/linux/mm_types.h).
  if (!read_u64(&flags, entry)) return PAGE_CACHE_LOST;
  return flags >> bpf_core_enum_value(enum pageflags, PG_uptodate) & 1 ? PAGE_CACHE_RESIDENT
                                                                       : PAGE_CACHE_UNWRITTEN;
}

static __always_inline __u64 shown(const struct walk* walk, __u64 entry, __u64 index) {
  return index < walk->fallocated_end ? written_or_not(entry) : masked(entry);
}

// Finds what lies above the leaves of `region`.
static __noinline int load_region(struct walk* walk, struct scratch* scratch, __u64 region) {
  __u64 entry, shift, slot, node;
  if (!walk || !scratch) return 0;
  entry = walk->root;
  shift = walk->root_shift;
  walk->region = region;
  walk->region_kind = REGION_LOST;
  if (shift == ROOT_LOST) return 0;
  if (!is_node(entry) || shift == 0) {
    walk->region_kind = region == 0 ? REGION_ROOT : REGION_HOLE;
    return 0;
  }
  for (int level = 0; level < MAX_LEVELS; ++level) {
    node = node_of(entry);
    if (shift == UPPER_SHIFT) {
      // Above the root's reach there is nothing; below the root, the mask does no harm.
      if (level == 0 && region > 0) {
        walk->region_kind = REGION_HOLE;
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
      return 0;
    }
    slot = slot_of(slot);
    if (!read_slot(&entry, node, slot) || !belongs(walk, node)) return 0;
    if (entry == 0) {
      walk->region_kind = REGION_HOLE;
      return 0;
    }
    // No folio and no swap entry is as large as a slot here (MAX_PAGECACHE_ORDER).
    if (!is_node(entry)) return 0;
    shift -= PAGE_CACHE_LEAF_SHIFT;
  }
  return 0;
}

// A leaf's worth of an entry that spans slots of the upper node.
static __always_inline void copy_whole(const struct walk* walk, const struct scratch* scratch,
                                       struct page_cache_leaf* out, __u64 slot) {
  __u64 entry = scratch->upper[slot];
  __u64 head = slot;
  __u64 again = 0;
  __u32 slots = 1;
  if (is_sibling(entry)) {
    head = slot_of(entry >> 2);
    entry = scratch->upper[head];
  }
  out->kind = PAGE_CACHE_LEAF_LOST;
  if (!is_folio(entry) && !(entry & 1)) return;
  // The head was copied before its siblings: it may be older than they are.
  if (!read_slot(&again, walk->upper, head) || again != entry || !belongs(walk, walk->upper)) {
    return;
  }
  for (int i = 1; i < PAGE_CACHE_LEAF_PAGES; ++i) {
    if (scratch->upper[slot_of(head + i)] != (head << 2 | 2)) break;
    ++slots;
  }
  out->order = UPPER_SHIFT;
  for (; slots > 1; slots >>= 1) ++out->order;
  out->entry_index = ((walk->region << PAGE_CACHE_LEAF_SHIFT) + head) << PAGE_CACHE_LEAF_SHIFT;
  out->entry = shown(walk, entry, out->entry_index);
  if (out->entry == PAGE_CACHE_LOST) return;
  out->kind = PAGE_CACHE_LEAF_WHOLE;
}

static __always_inline void copy_slots(const struct walk* walk, struct scratch* scratch,
                                       struct page_cache_leaf* out, __u64 node, __u64 index) {
  __u64 internal = 0;
  out->kind = PAGE_CACHE_LEAF_LOST;
  if (!read_slots(scratch->leaf, node) || !belongs(walk, node)) return;
  if (index < walk->fallocated_end) {
    for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
      out->slots[i] = written_or_not(scratch->leaf[i]);
    }
  } else {
    for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) out->slots[i] = masked(scratch->leaf[i]);
  }
  for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
    const __u64 entry = scratch->leaf[i];
    internal |= entry & ~(entry << 1) & 2;
  }
  out->has_siblings = internal;
  if (internal) {
    // A head is copied before its siblings: an entry that became large in between would lend its
    // siblings to the one it replaced.
    if (!read_slots(scratch->again, node) || !belongs(walk, node)) return;
    for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
      if (scratch->again[i] != scratch->leaf[i]) return;
    }
  }
  out->kind = PAGE_CACHE_LEAF_SLOTS;
}

static long copy_leaf(__u32 i, struct walk* walk) {
  const __u64 leaf = walk->first_leaf + i;
  const __u32 slice = walk->slice;
  const __u32 element = slice * PAGE_CACHE_WALK_LEAVES + i;
  const __u64 region = leaf / REGION_LEAVES;
  struct page_cache_leaf* out = bpf_map_lookup_elem(&leaves, &element);
  struct scratch* scratch = bpf_map_lookup_elem(&scratch_nodes, &slice);
  __u64 entry;
  if (!out || !scratch) return 1;
  if (region != walk->region) load_region(walk, scratch, region);

  if (walk->region_kind == REGION_UPPER) {
    const __u64 slot = slot_of(leaf);
    entry = scratch->upper[slot];
    if (entry == 0) {
      out->kind = PAGE_CACHE_LEAF_HOLE;
    } else if (is_node(entry)) {
      copy_slots(walk, scratch, out, node_of(entry), leaf << PAGE_CACHE_LEAF_SHIFT);
    } else {
      copy_whole(walk, scratch, out, slot);
    }
  } else if (walk->region_kind == REGION_ROOT) {
    if (leaf != 0 || walk->root == 0) {
      out->kind = PAGE_CACHE_LEAF_HOLE;
    } else if (is_node(walk->root)) {
      copy_slots(walk, scratch, out, node_of(walk->root), 0);
    } else {
      // An entry that is no node is that of index 0 alone.
      for (int j = 1; j < PAGE_CACHE_LEAF_PAGES; ++j) out->slots[j] = 0;
      out->slots[0] = shown(walk, walk->root, 0);
      out->has_siblings = 0;
      out->kind = PAGE_CACHE_LEAF_SLOTS;
    }
  } else {
    out->kind = walk->region_kind == REGION_HOLE ? PAGE_CACHE_LEAF_HOLE : PAGE_CACHE_LEAF_LOST;
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

SEC("raw_tp")
int walk_page_cache(struct bpf_raw_tracepoint_args* context) {
  const struct page_cache_walk_args args = {context->args[0], context->args[1], context->args[2],
                                            context->args[3]};
  struct walk walk = {};
  int result;
  if (args.leaves > PAGE_CACHE_WALK_LEAVES) return PAGE_CACHE_WALK_BAD_ARGUMENT;
  result = open_walk(&walk, args.fd);
  if (result != PAGE_CACHE_WALK_DONE) return result;
  walk.first_leaf = args.first_leaf;
  walk.slice = args.slice;
  bpf_loop(args.leaves, copy_leaf, &walk, 0);
  return PAGE_CACHE_WALK_DONE;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
