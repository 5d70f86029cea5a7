#!/usr/bin/env bash
# Checks the source: its format, and clang-tidy's few checks. A part of tests/presubmit.sh. Takes no
# arguments.
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/.."
export HOME=${HOME:-/root}

mapfile -t files < <(find daemon cli tests deploy -name '*.cc' -o -name '*.h' -o -name '*.bpf.c' |
  sort)
failed=0

echo "Format of ${#files[@]} files"
if ! clang-format --dry-run --Werror "${files[@]}"; then
  echo "lint.sh: clang-format -i mends these" >&2
  failed=1
fi

# clang-tidy needs the headers that protoc and bpftool write.
bazel build --noshow_progress --ui_event_filters=-info,-debug --show_result=0 \
  //proto:pagemapd_v1_cc //proto:pagemapd_policy_cc \
  //daemon/bpf:page_cache_walk_skel //daemon/bpf:swap_table_read_skel
generated=$(bazel info bazel-bin 2>/dev/null)

tidy() {  # CHECKS FILE...: in parallel; CHECKS come on top of those of .clang-tidy.
  # shellcheck disable=SC2016
  printf '%s\0' "${@:2}" |
    xargs -0 -n 2 -P "$(nproc)" bash -c '
      clang-tidy -quiet -checks="$1" "${@:3}" -- -std=c++17 -I. \
        -isystem "$2" -isystem "$2/proto" \
        2> >(grep -v "warnings\? generated" >&2)' tidy "$1" "$generated"
}

# What ships; tests are put to the proof by running them. The static analyzer takes three times as
# long as all the rest, and earns it where text and memory of others are read.
analyzed=()
plain=()
for file in "${files[@]}"; do
  case $file in
    *.h | *.bpf.c | *_test.cc | tests/*) ;;
    daemon/sys/* | daemon/page/* | daemon/procfs/* | daemon/bpf/* | daemon/shmem/* | \
      daemon/query/* | daemon/reclaim/*)
      analyzed+=("$file")
      ;;
    *) plain+=("$file") ;;
  esac
done
echo "clang-tidy of $((${#analyzed[@]} + ${#plain[@]})) files"
tidy '' "${plain[@]}" || failed=1
# cplusplus.Move takes a smart pointer that was moved from for unspecified, where it is null; and
# bugprone-use-after-move looks for the same.
tidy 'clang-analyzer-core.*,clang-analyzer-cplusplus.*,-clang-analyzer-cplusplus.Move' \
  "${analyzed[@]}" || failed=1

exit "$failed"
