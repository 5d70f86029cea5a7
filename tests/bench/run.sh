#!/usr/bin/env bash
# Prints what the daemon costs, as ratios in one run (see bench_main.cc). As root; some minutes;
# wants 6 GiB of memory and tells which figures it could not get with less. Figures of a busy
# machine are worth little: compare the columns "ratio" and "median".
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
exec bazel run --noshow_progress --ui_event_filters=-info,-debug --show_result=0 //tests/bench
