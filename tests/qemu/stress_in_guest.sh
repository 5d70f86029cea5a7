#!/bin/bash
# Runs PROGRAM (//tests/qemu:stress) for SECONDS in a guest that stress.sh booted: its memory does
# not fit, so that reclaim is always at work, too.
set -euo pipefail

program=$1 seconds=$2
mapfile -t areas < <(sed -n 's,^\(/dev/[^ ]*\).*,\1,p' /proc/swaps)
mkdir /tmp/huge
mount -t tmpfs -o huge=always tmpfs /tmp/huge
echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled
# The program has 64 MiB, and the one area that is left while the other is off holds what is over.
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/stress
echo 24M >/sys/fs/cgroup/stress/memory.max
echo $$ >/sys/fs/cgroup/stress/cgroup.procs
exec "$program" "$seconds" /tmp/huge "${areas[@]}"
