// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Copies what the kernel knows of each swap area, by swap type. Run by BPF_PROG_TEST_RUN as a raw
// tracepoint. A swap_info_struct is never freed, and once it is there its type stays
// (mm/swapfile.c, alloc_swap_info): an address that was one remains one.

#include <linux/bpf.h>
// Behind linux/bpf.h.
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "daemon/bpf/kernel_read.h"
#include "daemon/bpf/kernel_types.h"
#include "daemon/bpf/swap_table_entry.h"

// SWP_USED of include/linux/swap.h.
#define SWP_USED 1
// S_SWAPFILE of include/linux/fs.h: set on the inode of every area, be it a device (Linux 5.3).
#define S_SWAPFILE (1 << 8)
// More than SWAP_NR_ORDERS of include/linux/swap.h.
#define MAX_ORDERS 16

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SWAP_TABLE_TYPES);
  __type(key, __u32);
  __type(value, struct swap_table_entry);
} areas SEC(".maps");

// Addresses of the swap_info_structs met so far, by type. Not for user space, which can only write.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_WRONLY);
  __uint(max_entries, SWAP_TABLE_TYPES);
  __type(key, __u32);
  __type(value, __u64);
} met SEC(".maps");

// struct swap_info_struct* swap_info[], where kallsyms has data (CONFIG_KALLSYMS_ALL) and shows
// addresses.
extern const void swap_info __ksym __weak;

static __always_inline struct inode* inode_of(struct swap_info_struct* area) {
  return BPF_CORE_READ(area, swap_file, f_mapping, host);
}

// Whether at `address` is an area in use, and not what lies around some other list head: its list
// node has the negated priority (setup_swap_info in mm/swapfile.c), its file is a swap file. Like
// the other functions that are not static, one of its own to the verifier.
__noinline int is_area(__u64 address) {
  struct swap_info_struct* area = (struct swap_info_struct*)address;
  const int priority = BPF_CORE_READ(area, prio);
  const int type = BPF_CORE_READ(area, type);
  const int node_priority = BPF_CORE_READ(area, list.prio);
  struct inode* inode;
  if (type < 0 || type >= SWAP_TABLE_TYPES || node_priority != -priority) return false;
  if (!(BPF_CORE_READ(area, flags) & SWP_USED) || BPF_CORE_READ(area, pages) == 0) return false;
  inode = inode_of(area);
  return inode && (BPF_CORE_READ(inode, i_flags) & S_SWAPFILE);
}

// Notes an area; false if another has its type.
__noinline int meet(__u64 address) {
  struct swap_info_struct* area = (struct swap_info_struct*)address;
  __u32 type;
  __u64* known;
  if (!is_area(address)) return true;
  type = BPF_CORE_READ(area, type);
  known = bpf_map_lookup_elem(&met, &type);
  if (!known) return true;
  if (*known != 0 && *known != address) return false;
  *known = address;
  return true;
}

// The areas that this CPU allocates from.
static __always_inline bool meet_clusters(__u64 distance) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  // Of every class of tasks (set_task_rq in kernel/sched/sched.h).
  const __u64 rq = (__u64)BPF_CORE_READ(task, se.cfs_rq, rq);
  const __u64 orders = bpf_core_field_size(struct percpu_swap_cluster, si) / sizeof(__u64);
  const __u64 first = rq + distance + bpf_core_field_offset(struct percpu_swap_cluster, si);
  if (rq == 0) return true;
  for (__u32 i = 0; i < MAX_ORDERS; ++i) {
    __u64 area = 0;
    if (i >= orders) break;
    if (read_u64(&area, first + i * sizeof(area)) && area != 0 && !meet(area)) return false;
  }
  return true;
}

// The areas on the list that `from` is on: swap_active_head, a ring, through a head that is none.
__noinline int meet_ring(__u64 from) {
  const __u64 node_offset = bpf_core_field_offset(struct swap_info_struct, list.node_list);
  const __u64 next_offset = bpf_core_field_offset(struct list_head, next);
  const __u64 start = from + node_offset;
  __u64 node = start;
  for (int i = 0; i <= SWAP_TABLE_TYPES; ++i) {
    if (!read_u64(&node, node + next_offset) || node == 0 || node == start) break;
    if (!meet(node - node_offset)) return false;
  }
  return true;
}

// Fills an element of the map, for an area by which swap_show goes in mm/swapfile.c.
__noinline int copy_area(__u32 type, __u64 address) {
  struct swap_info_struct* area = (struct swap_info_struct*)address;
  struct swap_table_entry* entry = bpf_map_lookup_elem(&areas, &type);
  struct inode* inode;
  if (!entry) return 0;
  entry->in_use = 0;
  if (address == 0 || BPF_CORE_READ(area, type) != type) return 0;
  if (!(BPF_CORE_READ(area, flags) & SWP_USED)) return 0;
  if (bpf_core_field_exists(area->swap_map) && !BPF_CORE_READ(area, swap_map)) return 0;
  inode = inode_of(area);
  if (!inode) return 0;
  entry->priority = BPF_CORE_READ(area, prio);
  entry->pages = BPF_CORE_READ(area, pages);
  entry->inode = BPF_CORE_READ(inode, i_ino);
  entry->filesystem_device = BPF_CORE_READ(inode, i_sb, s_dev);
  entry->block_device = BPF_CORE_READ(inode, i_rdev);
  entry->in_use = 1;
  return 0;
}

static __always_inline int read_by_symbol(void) {
  for (__u32 type = 0; type < SWAP_TABLE_TYPES; ++type) {
    __u64 address = 0;
    // A kernel may have fewer types: what lies behind its table is no area of that type.
    if (read_u64(&address, (__u64)&swap_info + type * sizeof(address)) &&
        (address == 0 || is_area(address))) {
      copy_area(type, address);
    } else {
      copy_area(type, 0);
    }
  }
  return SWAP_TABLE_READ_ALL;
}

static __always_inline int read_by_reach(__u64 distance) {
  if (!meet_clusters(distance)) return SWAP_TABLE_READ_CONFLICT;
  // One that is on the list leads to all others.
  for (__u32 type = 0; type < SWAP_TABLE_TYPES; ++type) {
    __u64* known = bpf_map_lookup_elem(&met, &type);
    if (!known || *known == 0) continue;
    if (!meet_ring(*known)) return SWAP_TABLE_READ_CONFLICT;
  }
  for (__u32 type = 0; type < SWAP_TABLE_TYPES; ++type) {
    __u64* known = bpf_map_lookup_elem(&met, &type);
    if (known) copy_area(type, *known);
  }
  return SWAP_TABLE_READ_SOME;
}

SEC("raw_tp")
int read_swap_table(struct bpf_raw_tracepoint_args* context) {
  const struct swap_table_read_args args = {context->args[0], context->args[1]};
  if (&swap_info) return read_by_symbol();
  if (args.has_clusters_distance && bpf_core_type_exists(struct percpu_swap_cluster) &&
      bpf_core_field_exists(((struct percpu_swap_cluster*)0)->si) &&
      bpf_core_field_exists(((struct sched_entity*)0)->cfs_rq) &&
      bpf_core_field_exists(((struct cfs_rq*)0)->rq)) {
    return read_by_reach(args.clusters_distance);
  }
  return SWAP_TABLE_READ_NO_WAY;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
