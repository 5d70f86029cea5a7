#!/usr/bin/env bash
# Boots a kernel of build.sh in QEMU, without KVM, and runs a command there: as root, in a tree that
# is this machine's, read-only, but for /tmp (ext2), /run and /dev/shm, which are the guest's own.
#
# usage: boot.sh [OPTION]... KERNEL [--] COMMAND [ARGUMENT]...
#   --cpus N         2 if not given
#   --memory MIB     2048 if not given
#   --tmp MIB        size of /tmp: 4096 if not given. Only what is written takes space here
#   --swap MIB       a swap area on a disk of its own; up to 2 of these and --disk
#   --disk MIB       an empty disk: /dev/vdb or the next, after those of --swap
#   --show DIR       of this machine's /tmp: to be seen in the guest as well, read-only
#   --share DIR      the guest may write there
#   --icount         one CPU, and a nanosecond of the guest's time is an instruction: the same on
#                    every run
#   --append TEXT    more of the kernel's command line
#   --limit SECONDS  600 if not given
#   --log FILE       a copy of the kernel's log
# The exit status is the command's, but for
#   121  the kernel complained: of a bug, a lock, a stall; the end of its log is on stderr
#   122  the guest did not boot, or died
#   124  the time limit passed
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
fail() {
  echo "boot.sh: $*" >&2
  exit 122
}

cpus=2 memory=2048 tmp=4096 limit=600 append='' log='' icount=''
swap=() disks=() show=() share=()
while (($#)); do
  case $1 in
    --cpus) cpus=$2 ;;
    --memory) memory=$2 ;;
    --tmp) tmp=$2 ;;
    --swap) swap+=("$2") ;;
    --disk) disks+=("$2") ;;
    --show) show+=("$(readlink -f "$2")") ;;
    --share) share+=("$(readlink -f "$2")") ;;
    --append) append=$2 ;;
    --limit) limit=$2 ;;
    --log) log=$2 ;;
    --icount) icount=1 && shift && continue ;;
    -*) fail "no such option: $1" ;;
    *) break ;;
  esac
  shift 2
done
(($# >= 2)) || fail "want KERNEL and COMMAND"
kernel=$1
shift
[[ $1 != -- ]] || shift

work=$(mktemp -d)
qemu=''
trap '[[ ! $qemu ]] || kill "$qemu" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM
mkdir "$work/boot"
mkfifo "$work/out" "$work/err"
: >"$work/console"

# microvm has places for eight devices: these take five.
devices=()
share_directory() {  # TAG DIRECTORY OPTIONS
  devices+=(-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap$3"
    -device "virtio-9p-device,fsdev=$1,mount_tag=$1")
}
add_disk() {  # MIB
  local file
  file=$(mktemp "$work/disk-XXXXXX")
  truncate -s "$1M" "$file"
  devices+=(-drive "if=none,id=${file##*/},file=$file,format=raw,cache=unsafe"
    -device "virtio-blk-device,drive=${file##*/}")
}
share_directory root / ,readonly=on
share_directory boot "$work/boot" ''
for i in "${!share[@]}"; do share_directory "share$i" "${share[i]}" ''; done
# The guest numbers virtio-mmio devices from the last to the first.
for size in "$tmp" "${swap[@]}" "${disks[@]}"; do add_disk "$size"; done

# What the guest sources, names in it being letters of /dev/vd?.
names=(b c d e f)
areas=()
for i in "${!swap[@]}"; do areas+=("/dev/vd${names[i]}"); done
command=("$@") directory_to_be_in=$PWD
swap=("${areas[@]}")
declare -p show share swap command directory_to_be_in >"$work/boot/settings"

accelerator=(-accel 'tcg,thread=multi' -smp "$cpus")
[[ ! $icount ]] || accelerator=(-accel 'tcg,thread=single' -smp 1
  -icount 'shift=0,sleep=off,align=off')
boot="console=ttyS0 reboot=t panic=-1 root=root rootfstype=9p ro init=$here/guest-init.sh"
boot+=" rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose $append"
cat "$work/out" &
cat "$work/err" >&2 &
timeout "$limit" qemu-system-x86_64 -M microvm,acpi=off,rtc=on "${accelerator[@]}" -m "$memory" \
  -nodefaults -no-user-config -display none -no-reboot -kernel "$kernel" -append "$boot" \
  -serial "file:$work/console" -device virtio-serial-device,max_ports=3 \
  -chardev "file,id=out,path=$work/out" -device virtserialport,nr=1,chardev=out \
  -chardev "file,id=err,path=$work/err" -device virtserialport,nr=2,chardev=err \
  "${devices[@]}" </dev/null >"$work/qemu" 2>&1 &
qemu=$!
status=0
wait "$qemu" || status=$?
qemu=''
# Ends the readers, if QEMU never opened their pipes.
: <>"$work/out" <>"$work/err"
wait

tr -d '\r' <"$work/console" >"$work/log"
[[ ! $log ]] || cp "$work/log" "$log"
complaint='BUG:|kernel BUG|WARNING:|Oops|Kernel panic|general protection|Bad page|Bad rss|[Bb]ad swap'
complaint+='|rcu.*stall|blocked for more than|suspicious RCU|INFO: possible|page_table_check'
if grep -Eq "$complaint" "$work/log"; then
  echo "boot.sh: the kernel complained" >&2
  tail -n 80 "$work/log" >&2
  exit 121
fi
if ((status == 124)); then
  echo "boot.sh: not done in $limit seconds" >&2
  tail -n 20 "$work/log" >&2
  exit 124
fi
if [[ ! -s $work/boot/status ]]; then
  cat "$work/qemu" >&2
  tail -n 40 "$work/log" >&2
  fail "the guest ended before its command did"
fi
exit "$(<"$work/boot/status")"
