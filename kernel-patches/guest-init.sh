#!/bin/bash
# The init of a guest that boot.sh started: makes the parts of the host's tree that have to be the
# guest's own, runs the command, and ends the guest. /run/boot is a directory of boot.sh's.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 run /run
mkdir /run/boot
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 boot /run/boot
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
for file in /sys/block/vd*/queue/rotational; do echo 0 >"$file"; done

# The host's /tmp stays to be seen below /run/host only.
mkdir /run/host
mount --bind / /run/host
mke2fs -q -t ext2 -E nodiscard /dev/vda && mount -t ext2 /dev/vda /tmp && chmod 1777 /tmp
show=() share=() swap=() command=() directory_to_be_in=/
# shellcheck disable=SC1091  # from boot.sh
. /run/boot/settings
for directory in "${show[@]}"; do
  mkdir -p "$directory" && mount --bind "/run/host$directory" "$directory"
done
for i in "${!share[@]}"; do
  mkdir -p "${share[i]}" 2>/dev/null
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 "share$i" "${share[i]}"
done
for disk in "${swap[@]}"; do
  mkswap -q "$disk" && swapon "$disk"
done

# Ports of their own, so that nothing of the kernel's gets between, and no terminal changes a byte.
ports=(/dev/vport*p*)
cd "$directory_to_be_in" 2>/dev/null || cd /tmp || exit
(exec "${command[@]}") </dev/null >"${ports[0]}" 2>"${ports[1]}"
echo $? >/run/boot/status
sync
echo b >/proc/sysrq-trigger

