#!/usr/bin/env bash
# Builds the kernels of kernel-patches/, stock and patched, and on each, in QEMU, runs tests of its
# pagemap and of the daemon. The last line counts; anything failed or skipped is a failure.
#
# usage: run.sh [--all] [KERNEL]...
#   KERNEL  6.1-stock, 6.1, 6.12-stock or 6.12; all four if not given
#   --all   every test of tests/integration, in full. Takes hours; otherwise memory is smaller
#           (PAGEMAPD_TEST_PAGES), and mixes fewer
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
export HOME=${HOME:-/root}
exec </dev/null

# By TEST=FILTER: those of every kernel, and those of patched ones.
everywhere=(
  'tests/integration/sources_test=*'
  'tests/integration/swap_offsets_test=*Content:*AreaToo'
  'tests/integration/truth_test=*/memfd_random:*/SysV_random'
  'tests/integration/page_out_test=*/memfd:*/private_anonymous:*Mix*:*Right*:*Space'
  'tests/qemu/idle_test=*'
)
patched=(
  'tests/qemu/hole_knob_test=*'
  'tests/qemu/marker_source_test=*'
)
pages=4096
limit=900
memory=2048
if [[ ${1:-} == --all ]]; then
  pages='' limit=14400 memory=6144
  everywhere=()
  for file in tests/integration/*_test.cc; do
    everywhere+=("${file%.cc}=*")
  done
  shift
fi
kernels=("$@")
((${#kernels[@]})) || kernels=(6.12-stock 6.12 6.1-stock 6.1)

# What there is not on KERNEL is for the others; a test does not skip itself.
tests_for() {  # KERNEL
  case $1 in
    *-stock) printf '%s\n' 'tests/qemu/hole_test=StockTest.*' "${everywhere[@]}" ;;
    # No folios between one page and 2 MiB, which is split before it goes to swap; no PAGEMAP_SCAN.
    6.1)
      printf '%s\n' 'tests/qemu/hole_test=-*64KiB:Whole/*' "${everywhere[@]}" \
        "${patched[@]/%hole_knob_test=\*/hole_knob_test=-*Scan*}"
      ;;
    *) printf '%s\n' 'tests/qemu/hole_test=-Split/*' "${everywhere[@]}" "${patched[@]}" ;;
  esac
}

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
say() { printf '== %s (%d min %02d s)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

say 'Test programs'
mapfile -t programs < <(printf '//%s\n' tests/qemu/hole_test "${everywhere[@]%%=*}" \
  "${patched[@]%%=*}" | sed 's,\(.*\)/,\1:,')
bazel build --noshow_progress --ui_event_filters=-info,-debug --show_result=0 "${programs[@]}"
bin=$(bazel info bazel-bin 2>/dev/null)
output_base=$(bazel info output_base 2>/dev/null)

test_kernel() {  # KERNEL
  local kernel=$1 stock=() tests image status=0
  [[ $kernel != *-stock ]] || stock=(--stock)
  image=$(kernel-patches/build.sh "${stock[@]}" "${kernel%-stock}" | tail -n 1)
  mapfile -t tests < <(tests_for "$kernel")
  say "Tests on $kernel"
  mkdir "$results/$kernel"
  # Kernels differ in what they can do, and so do their tests.
  kernel-patches/boot.sh --memory "$memory" --show "$output_base" --show "$PWD" \
    --share "$results/$kernel" --limit "$limit" "$image" -- env ${pages:+PAGEMAPD_TEST_PAGES=$pages} \
    "$PWD/tests/qemu/run_in_guest.sh" "$bin" "$results/$kernel" "${tests[@]}" || status=$?
  say "Done with $kernel"
  ((status == 0)) && return
  echo "failed: the guest with $kernel ended with status $status"
  return 1
}

# Two at a time: for half of its time a guest waits.
broken=0
for kernel in "${kernels[@]}"; do
  (($(jobs -rp | wc -l) < 2)) || wait -n || broken=$((broken + 1))
  # A log each, so that they do not mix.
  (
    status=0
    test_kernel "$kernel" >"$results/$kernel.log" 2>&1 </dev/null || status=$?
    cat "$results/$kernel.log"
    exit "$status"
  ) &
done
while (($(jobs -p | wc -l))); do
  wait -n || broken=$((broken + 1))
done

read -r passed failed skipped < <(python3 tests/qemu/tally.py "$results")
printf '%d passed, %d failed, %d skipped\n' "$passed" $((failed + broken)) "$skipped"
((failed + broken + skipped == 0))
