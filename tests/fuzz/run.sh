#!/bin/bash
# Runs each libFuzzer target for a while: tests/fuzz/run.sh SECONDS_EACH
#
# Each starts from a copy of its seeds in corpus/, which stay as they are. One line a target goes
# to stdout; of one that found something, what it printed and the input too. Exit code 1 then.
#
# Environment: BAZEL_FLAGS, more flags for the build; BAZEL_OUTPUT_BASE, Bazel's --output_base.
set -euo pipefail

if [[ $# -ne 1 || ! $1 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: $0 SECONDS_EACH" >&2
  exit 2
fi
seconds=$1
cd "$(dirname "$0")/../.."

startup=()
if [[ -n ${BAZEL_OUTPUT_BASE:-} ]]; then
  startup+=("--output_base=$BAZEL_OUTPUT_BASE")
fi
read -ra flags <<<"--config=fuzz ${BAZEL_FLAGS:-}"
bazel "${startup[@]}" build "${flags[@]}" //tests/fuzz:all >&2
binaries=$(bazel "${startup[@]}" info "${flags[@]}" bazel-bin 2>/dev/null)/tests/fuzz

# Freed memory is of little interest in parsers that keep none, and touching it anew costs most of
# the time.
export ASAN_OPTIONS=quarantine_size_mb=4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
for source in tests/fuzz/*_fuzzer.cc; do
  target=$(basename "$source" .cc)
  corpus=$scratch/$target
  mkdir -p "$corpus/seeds" "$corpus/tmp"
  seeds=tests/fuzz/corpus/${target%_fuzzer}
  cp "$seeds"/* "$corpus/seeds"
  if TMPDIR=$corpus/tmp "$binaries/$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$corpus/" "$corpus/seeds" \
    >"$corpus/log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$corpus/log")
    echo "ok   $target: $runs runs, $(find "$corpus/seeds" -type f | wc -l) inputs"
  else
    failed=1
    echo "FAIL $target"
    tail -n 60 "$corpus/log"
    for input in "$corpus"/{crash,leak,oom,timeout}-*; do
      if [[ -f $input ]]; then
        echo "input $(basename "$input"), in base64:"
        base64 "$input"
      fi
    done
  fi
done
exit "$failed"
