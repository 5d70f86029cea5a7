#ifndef PAGEMAPD_DAEMON_BPF_SWAP_TABLE_ENTRY_H_
#define PAGEMAPD_DAEMON_BPF_SWAP_TABLE_ENTRY_H_

// What swap_table_read.bpf.c hands to user space. Included by both; C.

#include <linux/types.h>

// Swap types of any kernel, at most: 1 << MAX_SWAPFILES_SHIFT of include/linux/swap.h.
#define SWAP_TABLE_TYPES 32

// What the kernel knows of the area whose type is the number of this element of the map.
struct swap_table_entry {
  // /proc/swaps lists the area; else the rest means nothing.
  __u32 in_use;
  __s32 priority;
  // Without the header and bad pages, as /proc/swaps has it.
  __u64 pages;
  // Of the swap file, or of the block device's inode.
  __u64 inode;
  // Of the filesystem that the inode is in, and of the block device; 0 for a file. Both as in the
  // kernel: major << 20 | minor.
  __u32 filesystem_device;
  __u32 block_device;
};

// Arguments of the program, as those of a raw tracepoint.
struct swap_table_read_args {
  // Whether `clusters_distance` is known.
  __u64 has_clusters_distance;
  // From the per-CPU variable `runqueues` to `percpu_swap_cluster`, in bytes; may be negative.
  __u64 clusters_distance;
};

enum swap_table_read_result {
  // Every area is in the map.
  SWAP_TABLE_READ_ALL = 0,
  // The map has the areas that can be reached from this CPU, and from those seen earlier.
  SWAP_TABLE_READ_SOME = 1,
  // Two structures claim one type: one of them is none.
  SWAP_TABLE_READ_CONFLICT = 2,
  // This kernel gives no way to the table.
  SWAP_TABLE_READ_NO_WAY = 3,
};

#endif  // PAGEMAPD_DAEMON_BPF_SWAP_TABLE_ENTRY_H_
