#!/usr/bin/env bash
# Every check there is: the source's format and clang-tidy, all Bazel tests, the gRPC-free libraries'
# tests under ASan with UBSan and under TSan, some of the daemon's with the whole of it under ASan, a
# short run of each fuzzer, and the daemon in QEMU on the
# kernels of kernel-patches/, stock and patched. As root: the tests make swap devices and read other
# processes' pages. The last line counts; anything failed or skipped is a failure.
#
# usage: presubmit.sh [--long]
#   --long  also the package on a Debian that boots, and more of the kernels: their own tests of memory
#           management, stress on builds that check themselves, and what the patches cost. Takes an
#           hour more
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/.."
export HOME=${HOME:-/root}
exec </dev/null

readonly grpc_free=(//daemon/{sys,page,procfs,bpf,shmem,query,reclaim}/...)
# Of the whole daemon; gRPC and protobuf stay as Debian built them.
readonly daemon_tests=(//tests/service/access:forged_test //tests/service/load:wire_test
  //tests/service/load:limits_test //tests/integration:page_out_edges_test)
readonly seconds_per_fuzzer=5
readonly stress_seconds=300

long=''
case ${1:-} in
  '') ;;
  --long) long=1 ;;
  *) echo "presubmit.sh: no such option: $1" >&2 && exit 2 ;;
esac

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
passed=0
failed=0
skipped=0

stage() { printf '\n== %s (%d min %02d s)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

check() {  # NAME COMMAND...: counts as one.
  stage "$1"
  if "${@:2}"; then
    passed=$((passed + 1))
  else
    echo "failed: $1"
    failed=$((failed + 1))
  fi
}

bazel_tests() {  # NAME BAZEL-ARGUMENT...: counts its test cases.
  stage "$1"
  local events=$results/events status=0 p f s
  rm -f "$events"
  # Results of earlier runs say nothing of the kernel that runs now.
  bazel test --keep_going --cache_test_results=no --show_result=0 \
    --build_event_json_file="$events" "${@:2}" || status=$?
  read -r p f s < <(python3 tests/tally.py "$events")
  # Such as a binary that does not build.
  if ((status != 0 && f == 0)); then
    echo "failed: bazel ended with status $status"
    f=1
  fi
  printf '%s: %d passed, %d failed, %d skipped\n' "$1" "$p" "$f" "$s"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

whole_daemon_tests() {  # The daemon under ASan, under tests that are built as ever.
  bazel build --config=asan --show_result=0 //daemon:pagemapd || true
  local daemon
  daemon=$(bazel info --config=asan bazel-bin 2>/dev/null)/daemon/pagemapd
  bazel_tests "The whole daemon under ASan" --test_env=PAGEMAPD_DAEMON="$daemon" \
    --test_env=ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 "${daemon_tests[@]}"
}

virtual_machine_tests() {  # NAME COMMAND...: adds up its last line, "N passed, N failed, N skipped".
  stage "$1"
  local log=$results/log status=0 p=0 f=0 s=0
  "${@:2}" 2>&1 | tee "$log" || status=$?
  if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
  fi
  if ((status != 0 && f + s == 0)); then
    echo "failed: $1 ended with status $status"
    f=1
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# What is left of the CPUs by the other checks goes into the kernels.
setsid nice -n 19 bash -c 'set -e
  # The scheduler goes by sessions, and within them only by what nice says.
  [[ ! -w /proc/self/autogroup ]] || echo 19 >/proc/self/autogroup
  for version in 6.12 6.1; do
    kernel-patches/build.sh --stock "$version"
    kernel-patches/build.sh "$version"
  done' >"$results/kernels" 2>&1 &
kernels=$!
trap 'kill -- "-$kernels" 2>/dev/null || true; rm -rf "$results"' EXIT

check "Format and clang-tidy" tests/lint.sh
bazel_tests "Tests" //...
bazel_tests "ASan and UBSan" --config=asan "${grpc_free[@]}"
whole_daemon_tests
bazel_tests "TSan" --config=tsan "${grpc_free[@]}"
check "Fuzzers" tests/fuzz/run.sh "$seconds_per_fuzzer"
# Each as soon as it is built.
virtual_machine_tests "Patched kernels" tests/qemu/run.sh
wait "$kernels" || cat "$results/kernels"
if [[ $long ]]; then
  virtual_machine_tests "The package under systemd" tests/deploy/boot/run.sh
  check "The kernels' own tests" tests/qemu/selftests.sh
  check "Stress" tests/qemu/stress.sh "$stress_seconds"
  check "What the patches cost" tests/bench/kernel_cost.sh
fi

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && skipped == 0))
