#ifndef PAGEMAPD_DAEMON_BPF_KERNEL_TYPES_H_
#define PAGEMAPD_DAEMON_BPF_KERNEL_TYPES_H_

// The parts of kernel structures that the programs here read, for BPF only. Each is found by name
// in the running kernel's BTF when a program is loaded (CO-RE), so neither order nor gaps matter
// here, and no kernel's headers are needed.

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

// include/linux/xarray.h
struct xarray {
  void* xa_head;
};
struct xa_node {
  unsigned char shift;
  unsigned char count;
  unsigned char nr_values;
  struct xarray* array;
  void* slots[64];
};

// include/linux/fs.h
struct super_block {
  unsigned int s_dev;
  unsigned long s_magic;
};
struct inode {
  struct super_block* i_sb;
  unsigned long i_ino;
  unsigned int i_rdev;
  unsigned int i_flags;
};
struct address_space {
  struct inode* host;
  struct xarray i_pages;
};
struct file {
  struct address_space* f_mapping;
};

// include/linux/fdtable.h
struct fdtable {
  unsigned int max_fds;
  struct file** fd;
};
struct files_struct {
  struct fdtable* fdt;
};

// include/linux/shmem_fs.h; fallocend since Linux 5.15.
struct shmem_inode_info {
  unsigned long fallocend;
  struct inode vfs_inode;
};

// include/linux/page-flags.h
enum pageflags { PG_uptodate = 2 };

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

// kernel/sched/sched.h and include/linux/sched.h; cfs_rq.rq and sched_entity.cfs_rq with
// CONFIG_FAIR_GROUP_SCHED.
struct rq;
struct cfs_rq {
  struct rq* rq;
};
struct sched_entity {
  struct cfs_rq* cfs_rq;
};
struct task_struct {
  struct sched_entity se;
  struct files_struct* files;
};

#pragma clang attribute pop

#endif  // PAGEMAPD_DAEMON_BPF_KERNEL_TYPES_H_
