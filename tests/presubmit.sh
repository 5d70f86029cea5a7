#!/usr/bin/env bash
# Every check there is: the source's format and clang-tidy, all Bazel tests, the gRPC-free libraries'
# tests under ASan with UBSan and under TSan, and a short run of each fuzzer. As root: the tests make
# swap devices and read other processes' pages. Takes no arguments. The last line counts; anything
# failed or skipped is a failure.
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/.."
export HOME=${HOME:-/root}
exec </dev/null

readonly grpc_free=(//daemon/{sys,page,procfs,bpf,shmem,query}/...)
readonly seconds_per_fuzzer=5

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

check "Format and clang-tidy" tests/lint.sh
bazel_tests "Tests" //...
bazel_tests "ASan and UBSan" --config=asan "${grpc_free[@]}"
bazel_tests "TSan" --config=tsan "${grpc_free[@]}"
check "Fuzzers" tests/fuzz/run.sh "$seconds_per_fuzzer"

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && skipped == 0))
