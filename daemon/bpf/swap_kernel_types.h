#ifndef PAGEMAPD_DAEMON_BPF_SWAP_KERNEL_TYPES_H_
#define PAGEMAPD_DAEMON_BPF_SWAP_KERNEL_TYPES_H_

// The parts of kernel structures between a CPU's run queue and the files of the swap areas, for BPF
// only. Found by name in the running kernel, as those of kernel_types.h are; apart from them since
// what is here is another part of the same structures.

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

// include/linux/fs.h
struct super_block {
  unsigned int s_dev;
};
struct inode {
  struct super_block* i_sb;
  unsigned long i_ino;
  unsigned int i_rdev;
  unsigned int i_flags;
};
struct address_space {
  struct inode* host;
};
struct file {
  struct address_space* f_mapping;
};

// include/linux/types.h, include/linux/plist.h
struct list_head {
  struct list_head* next;
};
struct plist_node {
  int prio;
  struct list_head node_list;
};

// include/linux/swap.h. `swap_map` is not in every kernel.
struct swap_info_struct {
  unsigned long flags;
  short prio;
  struct plist_node list;
  signed char type;
  unsigned int pages;
  unsigned char* swap_map;
  struct file* swap_file;
};

// mm/swapfile.c, since Linux 6.15: the areas that the CPU's next slots come from, one for each
// order of a folio.
struct percpu_swap_cluster {
  struct swap_info_struct* si[1];
};

// kernel/sched/sched.h and include/linux/sched.h, with CONFIG_FAIR_GROUP_SCHED.
struct rq;
struct cfs_rq {
  struct rq* rq;
};
struct sched_entity {
  struct cfs_rq* cfs_rq;
};
struct task_struct {
  struct sched_entity se;
};

#pragma clang attribute pop

#endif  // PAGEMAPD_DAEMON_BPF_SWAP_KERNEL_TYPES_H_
