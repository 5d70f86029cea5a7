#!/usr/bin/env bash
# Prints what the daemon costs, as ratios in one run: all of it (bench_main.cc), what the source
# bpf does with objects (object_bench_main.cc), and page-out (page_out_bench_main.cc). As root; some
# minutes; wants 10 GiB of memory and tells which figures it could not get with less. Figures of a
# busy machine are worth little: compare the columns "ratio" and "median".
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
for bench in //tests/bench //tests/bench:object_bench //tests/bench:page_out_bench; do
  bazel run --noshow_progress --ui_event_filters=-info,-debug --show_result=0 "$bench"
done
