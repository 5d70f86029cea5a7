#!/bin/bash
# Runs the kernel's mm selftests, from the folder PROGRAMS, in a guest that selftests.sh booted. Prints
# "selftest NAME | STATUS PASSED FAILED SKIPPED SECONDS" for each: STATUS is its exit status (4: skipped,
# 124: too slow), the counts are what it says itself.
set -uo pipefail

programs=$1
# What it takes at most under QEMU, and the command. Those of both versions; what was not built is
# passed over. Not here are tests of hugetlb, and what skips for want of NUMA nodes, debugfs or
# GUP_TEST.
tests=(
  '40 pagemap_shmem_swap'
  '60 pagemap_ioctl'
  '180 uffd-unit-tests'
  '20 uffd-stress shmem 16 2'
  '20 uffd-stress shmem-private 16 2'
  '20 uffd-stress anon 16 2'
  '60 userfaultfd shmem 16 2'
  '60 userfaultfd anon 16 2'
  '30 mremap_test'
  '10 mremap_dontunmap'
  '10 madv_populate'
  '60 khugepaged'
  '60 khugepaged madvise:shmem'
  '90 ksm_functional_tests'
  '10 ksm_tests -M -p 10'
  '20 soft-dirty'
  '10 mkdirty'
  '60 cow'
  '20 mlock2-tests'
  '20 mlock-random-test'
  '10 map_fixed_noreplace'
  '10 map_populate'
  '10 mrelease_test'
  '20 mseal_test'
  '10 mdwe_test'
  '10 droppable'
  '20 compaction_test'
)

mkdir /tmp/work
cd /tmp/work || exit 1

for test in "${tests[@]}"; do
  read -r limit name arguments <<<"$test"
  [[ -x $programs/$name ]] || continue
  start=$SECONDS
  # shellcheck disable=SC2086
  timeout -k 5 "$limit" "$programs/$name" $arguments >log 2>&1 </dev/null
  status=$?
  # TAP, or the last line of the tests of userfaultfd.
  counts=$(awk '
    /^(\t|  )*not ok/ { fail++ }
    /^(\t|  )*ok .*# SKIP/ { skip++; next }
    /^(\t|  )*ok/ { pass++ }
    /^Userfaults unit tests:/ {
      gsub(/[^0-9 ]/, "")
      pass = $1; skip = $2; fail = $3
    }
    END { print pass + 0, fail + 0, skip + 0 }' log)
  echo "selftest ${test#* } | $status $counts $((SECONDS - start))"
  if ((status != 0 && status != 4)) || [[ $counts != *' 0 '* ]]; then
    sed "s|^|  $name: |" log | grep -aE 'not ok|Bail out|ERROR' | head -n 8
  fi
done
exit 0
