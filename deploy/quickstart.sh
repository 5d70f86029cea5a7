#!/usr/bin/env bash
# Shows pagemapd at work: installs what is missing, builds, makes a swap device of its own, starts
# the daemon on a private socket and a process with pages in every state, and looks at that
# process. Removes all that it made but the packages and the build, however it ends.
# For Debian 12, as root, from a clone of the repository.
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/.."
export HOME=${HOME:-/root}

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'quickstart.sh: %s\n' "$*" >&2
  exit 1
}

readonly swap_bytes=$((64 << 20))
work=       # Directory for the socket, the logs and the swap file.
swap=       # Device of the swap area.
zram=       # Number of the zram device.
loop=       # Loop device.
zram_module= # Set if the module was not there before.

# A device that was just let go of may be held for a moment by whoever probes new devices.
remove_zram() {
  local deadline=$((SECONDS + 5))
  while ((SECONDS < deadline)); do
    echo "$1" 2>/dev/null >/sys/class/zram-control/hot_remove && return 0
    sleep 0.1
  done
  echo "quickstart.sh: /dev/zram$1 could not be removed" >&2
}

clean_up() {
  # Each step is tried, whatever became of the others.
  set +e
  hold_signals
  local started
  # The daemon and the demonstration, even if just started.
  mapfile -t started < <(jobs -p)
  if ((${#started[@]})); then
    kill "${started[@]}" 2>/dev/null
    wait "${started[@]}" 2>/dev/null
  fi
  if [[ -n $swap ]] && grep -q "^${swap}[[:space:]]" /proc/swaps; then swapoff "$swap"; fi
  if [[ -n $zram ]]; then remove_zram "$zram"; fi
  if [[ -n $loop ]]; then losetup --detach "$loop"; fi
  if [[ -n $zram_module ]]; then modprobe --remove zram; fi
  if [[ -n $work ]]; then rm -rf "$work"; fi
}
trap clean_up EXIT

# Signals end the script, through clean_up; but not between the making of a thing and the noting of
# its name, which would leave it behind.
heed_signals() {
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
}
hold_signals() { trap '' INT TERM HUP; }
heed_signals

make_zram() {
  if [[ ! -e /sys/class/zram-control ]]; then
    modprobe zram num_devices=0 2>/dev/null || return 1
    zram_module=1
  fi
  hold_signals
  zram=$(cat /sys/class/zram-control/hot_add) || true
  heed_signals
  [[ -n $zram ]] || return 1
  # udev, or a /dev that is the kernel's own, brings the node: a container may have neither.
  local deadline=$((SECONDS + 2))
  until [[ -b /dev/zram$zram ]] || ((SECONDS >= deadline)); do sleep 0.1; done
  if [[ ! -b /dev/zram$zram ]] || ! echo "$swap_bytes" >"/sys/block/zram$zram/disksize"; then
    remove_zram "$zram"
    zram=
    return 1
  fi
  swap=/dev/zram$zram
}

make_loop() {
  fallocate --length "$swap_bytes" "$work/swap"
  hold_signals
  loop=$(losetup --find --show "$work/swap") || true
  heed_signals
  [[ -n $loop ]] || fail "neither zram nor a loop device can be made"
  swap=$loop
}

wait_for() {  # SECONDS PID WHAT LOG COMMAND...: until the command succeeds, while the process lives.
  local deadline=$((SECONDS + $1)) pid=$2 what=$3 log=$4
  shift 4
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)) || ! kill -0 "$pid" 2>/dev/null; then
      cat "$log" >&2
      fail "$what did not start"
    fi
    sleep 0.1
  done
}

show_head() {  # LINES FILE: the first lines, and how many more there are.
  local rest=$(($(wc -l <"$2") - $1))
  head -n "$1" "$2"
  ((rest <= 0)) || echo "... and $rest lines more"
}

((EUID == 0)) || fail "needs root: it makes a swap device and reads other processes' page tables"

deploy/install-packages.sh

say "Building (some minutes the first time)"
bazel build --noshow_progress --ui_event_filters=-info,-debug --show_result=0 \
  //daemon:pagemapd //cli:pagemapctl //deploy/demo
bin=$(bazel info bazel-bin 2>/dev/null)
# It would stay for hours, with some 300 MB.
bazel shutdown

hold_signals
work=$(mktemp -d /tmp/pagemapd-quickstart.XXXXXX)
heed_signals
make_zram || make_loop
mkswap "$swap" >/dev/null
# Above every other area, so that the demonstration's pages come here.
swapon --priority 32767 "$swap"

export PAGEMAPD_ADDRESS=unix://$work/pagemapd.sock
"$bin/daemon/pagemapd" --address "$PAGEMAPD_ADDRESS" >"$work/daemon.log" 2>&1 &
daemon=$!
wait_for 10 "$daemon" "the daemon" "$work/daemon.log" "$bin/cli/pagemapctl" status

"$bin/deploy/demo/demo" >"$work/demo.log" 2>&1 &
demo=$!
wait_for 60 "$demo" "the demonstration process" "$work/demo.log" grep -q ready "$work/demo.log"

say "pagemapctl summary $demo: how many pages of the process are in which state"
"$bin/cli/pagemapctl" summary "$demo"

say "pagemapctl pages $demo --mapping '/memfd:guest-ram*': where the pages of its shared memory are"
"$bin/cli/pagemapctl" pages "$demo" --mapping '/memfd:guest-ram*' >"$work/pages"
show_head 16 "$work/pages"

# A kernel that does not let the daemon read the page cache by BPF leaves the locations out.
say "pagemapctl pages $demo --mapping '/memfd:guest-ram*' --state swapped --locations: where in swap"
"$bin/cli/pagemapctl" pages "$demo" --mapping '/memfd:guest-ram*' --state swapped --locations \
  >"$work/pages"
show_head 8 "$work/pages"

say "pagemapctl map $demo --mapping '/memfd:guest-ram*': the same as a picture"
"$bin/cli/pagemapctl" map "$demo" --mapping '/memfd:guest-ram*'

# Some page may stay where another CPU has just touched it: exit code 3.
say "pagemapctl pageout $demo --mapping '/memfd:guest-ram*': what is in RAM paged out as well"
"$bin/cli/pagemapctl" pageout "$demo" --mapping '/memfd:guest-ram*' || (($? == 3))

say "Done: removing the processes, the socket and the swap device $swap"
