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

// include/linux/sched.h
struct task_struct {
  struct files_struct* files;
};

#pragma clang attribute pop

#endif  // PAGEMAPD_DAEMON_BPF_KERNEL_TYPES_H_
