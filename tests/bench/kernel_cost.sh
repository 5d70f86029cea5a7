#!/usr/bin/env bash
# What the kernel patches cost, in instructions, the same on every run and machine: kernels of one
# version, stock, patched, and with a look-up of a page at a time as proposed in 2021, each booted in
# QEMU, which counts instructions. Prints tables; fails if a figure misses its bar
# (kernel_cost_table.py).
#
# usage: kernel_cost.sh [VERSION]...
#   VERSION  6.1 or 6.12; both if not given
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
versions=("$@")
((${#versions[@]})) || versions=(6.1 6.12)

bazel build --noshow_progress --ui_event_filters=-info,-debug --show_result=0 //tests/qemu:cost
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$(bazel info bazel-bin 2>/dev/null)/tests/qemu/cost" "$work"

failed=0
for version in "${versions[@]}"; do
  : >"$work/lines"
  for name in stock patched bench; do
    options=()
    case $name in
      stock) options=(--stock) ;;
      bench) options=(--patch "kernel-patches/$version/bench/page-at-a-time.patch") ;;
    esac
    kernel=$(kernel-patches/build.sh "${options[@]}" "$version" | tail -n 1)
    # No readahead, so that each page swapped in is one fault.
    kernel-patches/boot.sh --icount --swap 256 --show "$work" "$kernel" -- bash -c \
      'echo 0 >/proc/sys/vm/page-cluster && exec "$@"' cost "$work/cost" "$name" >>"$work/lines"
  done
  python3 tests/bench/kernel_cost_table.py "$version" <"$work/lines" || failed=1
done
exit "$failed"
