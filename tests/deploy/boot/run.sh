#!/usr/bin/env bash
# The package on a Debian that boots, with its own kernel and a running systemd, in QEMU without KVM:
# what an administrator does on the first day, and what systemd does to the daemon. As root, with
# Debian's archive in reach; a part of tests/run.sh --long. Takes some five minutes. The last line
# counts.
#
# usage: run.sh
set -euo pipefail
export LC_ALL=C

cd "$(dirname "$(readlink -f "$0")")/../../.."
export HOME=${HOME:-/root}
readonly limit=900

work=$(mktemp -d)
qemu=''
trap '[[ ! $qemu ]] || kill "$qemu" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM

deploy/build-deb.sh --output "$work" >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
dependencies=$(dpkg-deb -f "$work"/*.deb Depends | sed 's/ ([^)]*)//g; s/ //g')
echo "A Debian that boots ($SECONDS s)"
mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "5"' \
  --include=systemd,systemd-sysv,dbus,udev,procps,util-linux,adduser,passwd,kmod,curl \
  --include="linux-image-cloud-amd64,prometheus-node-exporter,$dependencies" \
  "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$work/root.tar" >"$work/log" 2>&1 ||
  { cat "$work/log" && exit 1; }
root=$work/root
mkdir "$root"
tar -C "$root" -xf "$work/root.tar"
rm "$work/root.tar"
cp "$work"/pagemapd_*.deb "$root/pagemapd.deb"
install tests/deploy/boot/check_in_guest.sh "$root/check.sh"
cat >"$root/etc/systemd/system/check.service" <<'EOF'
[Unit]
After=basic.target dbus.socket
[Service]
Type=oneshot
ExecStart=/check.sh
TimeoutStartSec=infinity
EOF
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../check.service "$root/etc/systemd/system/multi-user.target.wants/"
# A login would hang up the console that the check writes to.
ln -s /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
truncate -s 2G "$work/disk"
mke2fs -q -t ext4 -d "$root" "$work/disk"
truncate -s 512M "$work/swap"
kernel=$(compgen -G "$root/boot/vmlinuz-*")

echo "Boots ${kernel##*/} ($SECONDS s)"
timeout "$limit" qemu-system-x86_64 -M q35 -accel tcg,thread=multi -smp 2 -m 2G -nic none \
  -display none -monitor none -serial "file:$work/console" -no-reboot \
  -kernel "$kernel" -initrd "$(compgen -G "$root/boot/initrd.img-*")" \
  -append 'root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=0 net.ifnames=0' \
  -drive "file=$work/disk,if=virtio,format=raw" -drive "file=$work/swap,if=virtio,format=raw" \
  </dev/null &
qemu=$!
status=0
wait "$qemu" || status=$?
qemu=''
tr -d '\r' <"$work/console" | sed -n '/^== /,$p'
passed=$(grep -c '^ok: ' "$work/console" || true)
failed=$(grep -c '^not ok: ' "$work/console" || true)
if ! grep -q '^== Done' "$work/console"; then
  echo "run.sh: the guest did not come to its end (QEMU's status: $status)" >&2
  failed=$((failed + 1))
fi
printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
((failed == 0))
