#!/usr/bin/env bash
# Runs the stress program (stress_main.cc) on the patched kernels, built with the kernel's own checks,
# and fails upon a wrong page and upon a complaint of the kernel's.
#
# usage: stress.sh [SECONDS] [VERSION]...
#   SECONDS  for each kernel; 300 if not given
#   VERSION  6.1 or 6.12; both if not given
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${1:-300}
shift || true
versions=("$@")
((${#versions[@]})) || versions=(6.1 6.12)

bazel build --noshow_progress --ui_event_filters=-info,-debug --show_result=0 //tests/qemu:stress
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
cp "$(bazel info bazel-bin 2>/dev/null)/tests/qemu/stress" tests/qemu/stress_in_guest.sh "$programs"

failed=0
for version in "${versions[@]}"; do
  kernel=$(kernel-patches/build.sh --debug "$version" | tail -n 1)
  echo "== Linux $version, for $seconds s"
  # Areas of the swap area's size and a little: one holds all that does not fit into memory.
  if ! kernel-patches/boot.sh --swap 96 --swap 96 --show "$programs" --limit $((seconds + 300)) \
    "$kernel" -- "$programs/stress_in_guest.sh" "$programs/stress" "$seconds"; then
    echo "stress.sh: failed on Linux $version" >&2
    failed=1
  fi
done
exit "$failed"
