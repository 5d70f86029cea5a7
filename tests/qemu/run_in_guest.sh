#!/usr/bin/env bash
# In the guest of run.sh: runs tests one after the other, and leaves GoogleTest's XML in RESULTS.
#
# usage: run_in_guest.sh BIN RESULTS TEST=FILTER...
#   BIN   bazel-bin; TEST is a path below it, FILTER one of GoogleTest's
set -u

bin=$1
results=$2
shift 2
# Pages read ahead would be in the swap cache, where older kernels tell them from no others.
echo 0 >/proc/sys/vm/page-cluster
for test in "$@"; do
  name=${test%%=*}
  began=$SECONDS
  output=/tmp/output
  "$bin/$name" --gtest_filter="${test#*=}" --gtest_output="xml:$results/${name//\//.}.xml" \
    >"$output" 2>&1
  status=$?
  echo "  $name: $((SECONDS - began)) s, status $status"
  if ((status != 0)); then
    grep -v '^\[ *\(RUN\|OK\|---*\)' "$output" | head -c 20000
    echo "$name" >>"$results/failed"
  fi
done
