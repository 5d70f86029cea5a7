// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Copies the page cache of one tmpfs file, leaf node by leaf node, into a map that user space has
// mapped. Run by BPF_PROG_TEST_RUN as a raw tracepoint: under RCU, so that no node that is reached
// is reused before the end, and without sleeping. The caller holds the file open, which keeps inode
// and mapping. All of the xarray here is of lib/xarray.c and include/linux/xarray.h.

#include "daemon/bpf/page_cache_tree.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, PAGE_CACHE_WALK_LEAVES);  // times the slices, by the loader
  __type(key, __u32);
  __type(value, struct page_cache_leaf);
} leaves SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);  // times the slices, by the loader
  __type(key, __u32);
  __type(value, struct scratch);
} scratch_nodes SEC(".maps");

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
  out->value_index = ((walk->region << PAGE_CACHE_LEAF_SHIFT) + head) << PAGE_CACHE_LEAF_SHIFT;
  if (entry & 1) {
    out->value = entry;
    out->kind = PAGE_CACHE_LEAF_VALUE;
  } else if (out->value_index < walk->fallocated_end && !is_written(entry)) {
    out->kind = PAGE_CACHE_LEAF_HOLE;
  } else {
    out->kind = PAGE_CACHE_LEAF_FOLIO;
  }
}

// The entries in scratch.leaf, if they are folios and holes alone. Pointers into the kernel have
// bit 63, values and the xarray's own entries bits 0 or 1.
__noinline int show_folios(struct page_cache_leaf* out, const struct scratch* scratch) {
  __u64 any = 0;
  __u64 folios[4] = {};
  if (!out || !scratch) return 0;
#pragma unroll
  for (int i = 0; i < PAGE_CACHE_LEAF_PAGES / 4; ++i) {
    // A mask for each quarter, built from the top down: four chains of instructions at once.
#pragma unroll
    for (int quarter = 0; quarter < 4; ++quarter) {
      const __u64 entry = scratch->leaf[quarter * (PAGE_CACHE_LEAF_PAGES / 4) + i];
      any |= entry;
      folios[quarter] = folios[quarter] >> 1 | (entry & (__u64)1 << 63);
    }
    // clang would have all entries in hand before it used the first, on a stack that the kernel
    // does not give before Linux 6.13.
    asm volatile(""
                 : "+r"(any), "+r"(folios[0]), "+r"(folios[1]), "+r"(folios[2]), "+r"(folios[3])
                 :
                 : "memory");
  }
  if (any & 3) return 0;
  out->folios = folios[3] | folios[2] >> 16 | folios[1] >> 32 | folios[0] >> 48;
  out->values = 0;
  out->kind = PAGE_CACHE_LEAF_PAGES_EACH;
  return 1;
}

// The same with swap entries among them, if none is the xarray's own.
__noinline int show_pages(struct page_cache_leaf* out, const struct scratch* scratch) {
  __u64 folios = 0;
  __u64 values = 0;
  __u64 others = 0;
  if (!out || !scratch) return 0;
#pragma unroll
  for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
    const __u64 entry = scratch->leaf[i];
    if (entry & 1) {
      out->slots[i] = entry;
      values += (__u64)1 << i;
    } else {
      others |= entry;
      if (entry) folios += (__u64)1 << i;
    }
    // One slot after the other: clang would have more of them at once than fit.
    asm volatile("" : : : "memory");
  }
  out->folios = folios;
  out->values = values;
  out->kind = PAGE_CACHE_LEAF_PAGES_EACH;
  return !(others & 2);
}

// The same if some are.
__noinline int show_siblings(struct page_cache_leaf* out, const struct scratch* scratch) {
  if (!out || !scratch) return 0;
  for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
    __u64 entry = scratch->leaf[i];
    if (entry & 1) {
    } else if (entry & 2) {
      if (entry >= 4096) entry = RETRY_ENTRY;
    } else if (entry) {
      entry = PAGE_CACHE_FOLIO;
    }
    out->slots[i] = entry;
  }
  out->kind = PAGE_CACHE_LEAF_SIBLINGS;
  return 0;
}

// Takes out what fallocate put there and nobody has written.
__noinline int drop_unwritten(struct page_cache_leaf* out, const struct scratch* scratch) {
  if (!out || !scratch) return 0;
  for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
    const __u64 entry = scratch->leaf[i];
    if (!is_folio(entry) || is_written(entry)) continue;
    out->folios &= ~((__u64)1 << i);
    if (out->kind == PAGE_CACHE_LEAF_SIBLINGS) out->slots[i] = 0;
  }
  return 0;
}

static __always_inline void copy_slots(struct walk* walk, struct scratch* scratch,
                                       struct page_cache_leaf* out, __u64 node, __u64 index) {
  // No folio at or above the end of all fallocation is without content.
  const bool all_written = index >= walk->fallocated_end;
  unsigned char counts[2] = {};
  out->kind = PAGE_CACHE_LEAF_LOST;
  // `count` of the slots are in use, `nr_values` of them by values: often that says it all. It is
  // looked at where the leaf before was full.
  if (all_written && walk->was_full && !walk->sizes &&
      bpf_probe_read_kernel(counts, sizeof(counts),
                            (void*)(node + bpf_core_field_offset(struct xa_node, count))) == 0 &&
      counts[0] == PAGE_CACHE_LEAF_PAGES && counts[1] == 0) {
    if (!belongs(walk, node)) return;
    out->order = 0;
    out->kind = PAGE_CACHE_LEAF_FOLIO;
    return;
  }
  if (!read_slots(scratch->leaf, node) || !belongs(walk, node)) return;
  walk->was_folios = (walk->was_folios && show_folios(out, scratch)) || show_pages(out, scratch);
  if (!walk->was_folios) {
    // A head is copied before its siblings: an entry that became large in between would lend its
    // siblings to the one it replaced.
    out->kind = PAGE_CACHE_LEAF_LOST;
    if (!read_slots(scratch->again, node) || !belongs(walk, node)) return;
    for (int i = 0; i < PAGE_CACHE_LEAF_PAGES; ++i) {
      if (scratch->again[i] != scratch->leaf[i]) return;
    }
    show_siblings(out, scratch);
  }
  walk->was_folios = out->kind == PAGE_CACHE_LEAF_PAGES_EACH && out->values == 0;
  walk->was_full = out->kind == PAGE_CACHE_LEAF_PAGES_EACH && out->folios == ~(__u64)0;
  if (!all_written) drop_unwritten(out, scratch);
}

static long copy_leaf(__u32 i, const __u32* slice) {
  struct scratch* scratch = bpf_map_lookup_elem(&scratch_nodes, slice);
  struct walk* walk;
  struct page_cache_leaf* out;
  __u64 leaf, region, entry;
  __u32 element;
  if (!scratch) return 1;
  walk = &scratch->walk;
  leaf = walk->first_leaf + i;
  region = leaf / REGION_LEAVES;
  element = walk->first_element + i;
  out = bpf_map_lookup_elem(&leaves, &element);
  if (!out) return 1;
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
      for (int j = 0; j < PAGE_CACHE_LEAF_PAGES; ++j) scratch->leaf[j] = 0;
      scratch->leaf[0] = walk->root;
      show_pages(out, scratch);
      if (walk->fallocated_end > 0) drop_unwritten(out, scratch);
    }
  } else {
    out->kind = walk->region_kind == REGION_HOLE ? PAGE_CACHE_LEAF_HOLE : PAGE_CACHE_LEAF_LOST;
  }
  return 0;
}

static __always_inline int begin(struct walk* walk, const struct bpf_raw_tracepoint_args* context) {
  __builtin_memset(walk, 0, sizeof(*walk));
  walk->first_leaf = context->args[1];
  walk->sizes = context->args[3];
  walk->first_element = context->args[4];
  return open_walk(walk, context->args[0]);
}

// Arguments: struct page_cache_walk_args. Returns an enum page_cache_walk_result.
SEC("raw_tp")
int walk_page_cache(struct bpf_raw_tracepoint_args* context) {
  const __u64 count = context->args[2];
  const __u64 element = context->args[4];
  const __u32 slice = element / PAGE_CACHE_WALK_LEAVES;
  struct scratch* scratch = bpf_map_lookup_elem(&scratch_nodes, &slice);
  int result;
  if (!scratch || count > PAGE_CACHE_WALK_LEAVES - element % PAGE_CACHE_WALK_LEAVES) {
    return PAGE_CACHE_WALK_BAD_ARGUMENT;
  }
  result = begin(&scratch->walk, context);
  if (result == PAGE_CACHE_WALK_DONE) bpf_loop(count, copy_leaf, (void*)&slice, 0);
  return result;
}

// Moves first_leaf to the next leaf that is no hole, or may be none. Ends the loop there, and at
// the end.
static long skip_hole(__u32 i, const __u32* slice) {
  struct scratch* scratch = bpf_map_lookup_elem(&scratch_nodes, slice);
  struct walk* walk;
  __u64 leaf, region;
  if (!scratch) return 1;
  walk = &scratch->walk;
  leaf = walk->first_leaf;
  region = leaf / REGION_LEAVES;
  if (region != walk->region) load_region(walk, scratch, region);
  if (walk->region_kind == REGION_HOLE) {
    const __u64 next = walk->hole_end;
    walk->first_leaf = next > leaf && next < walk->end_leaf ? next : walk->end_leaf;
  } else if (walk->region_kind == REGION_ROOT) {
    if (leaf == 0 && walk->root != 0) return 1;
    walk->first_leaf = walk->end_leaf;
  } else if (walk->region_kind == REGION_UPPER && scratch->upper[slot_of(leaf)] == 0) {
    ++walk->first_leaf;
  } else {
    return 1;
  }
  return walk->first_leaf >= walk->end_leaf;
}

// Arguments: struct page_cache_walk_args; the answer is `value_index` of its first element, a
// number of leaves. Returns an enum page_cache_walk_result.
SEC("raw_tp")
int skip_holes(struct bpf_raw_tracepoint_args* context) {
  const __u32 element = context->args[4];
  const __u32 slice = element / PAGE_CACHE_WALK_LEAVES;
  struct scratch* scratch = bpf_map_lookup_elem(&scratch_nodes, &slice);
  struct page_cache_leaf* out = bpf_map_lookup_elem(&leaves, &element);
  struct walk* walk;
  int result;
  if (!scratch || !out) return PAGE_CACHE_WALK_BAD_ARGUMENT;
  walk = &scratch->walk;
  result = begin(walk, context);
  if (result != PAGE_CACHE_WALK_DONE) return result;
  walk->end_leaf = walk->first_leaf + context->args[2];
  if (walk->end_leaf < walk->first_leaf) return PAGE_CACHE_WALK_BAD_ARGUMENT;
  if (walk->first_leaf < walk->end_leaf) {
    bpf_loop(PAGE_CACHE_SKIP_STEPS, skip_hole, (void*)&slice, 0);
  }
  out->value_index = walk->first_leaf;
  return PAGE_CACHE_WALK_DONE;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
