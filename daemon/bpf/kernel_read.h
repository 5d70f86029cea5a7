// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#ifndef PAGEMAPD_DAEMON_BPF_KERNEL_READ_H_
#define PAGEMAPD_DAEMON_BPF_KERNEL_READ_H_

// Reads of kernel memory at addresses that are numbers, for BPF only.

#include <linux/bpf.h>
// Behind linux/bpf.h.
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

// False, and not a fault, where nothing is mapped.
static __always_inline bool read_u64(__u64* to, __u64 from) {
  return bpf_probe_read_kernel(to, sizeof(*to), (const void*)from) == 0;
}

#endif  // PAGEMAPD_DAEMON_BPF_KERNEL_READ_H_
