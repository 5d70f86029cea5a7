#!/usr/bin/env bash
# Runs the kernel's own tests of its memory management (tools/testing/selftests/mm, with the test that
# the patches add) on the stock and on the patched kernel, and fails if one does worse on the latter.
#
# usage: selftests.sh [VERSION]...
#   VERSION  6.1 or 6.12; both if not given
# Uses the sources and the cache of kernel-patches/build.sh.
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
cache=${PAGEMAPD_KERNEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pagemapd/kernels}
versions=("$@")
((${#versions[@]})) || versions=(6.1 6.12)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the patches do to the tests.
changes_of_tests() {  # VERSION
  local name
  while read -r name; do
    awk '/^diff --git / { wanted = $4 ~ "^b/tools/testing/" } /^-- $/ { wanted = 0 } wanted' \
      "kernel-patches/$1/$name"
  done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "kernel-patches/$1/series")
}

# Builds the programs, outside the kernel's tree, which may have other patches applied at the moment,
# and sets `programs` to where they are.
build_programs() {  # VERSION FOLDER
  local version=$1 folder=$2 source=$cache/$1/source pristine=$cache/$1/pristine
  local tree=$work/tree headers=$work/headers log=$work/build.log key
  changes_of_tests "$version" >"$work/tests.patch"
  key=$(cat tests/qemu/selftests.sh "kernel-patches/$version/BASE" "$work/tests.patch" | sha256sum |
    cut -c 1-16)
  programs=$cache/selftests/$version-$key
  [[ ! -d $programs ]] || return 0
  mkdir -p "$tree" "$programs.new"
  (
    flock -s 9
    make -s -C "$source" O="$headers" headers
    cd "$source"
    cp -r --parents tools/testing/selftests/{"$folder",x86,lib.mk,kselftest*} tools/include \
      tools/arch/x86/include tools/scripts mm/gup_test.h lib/test_hmm_uapi.h include/vdso "$tree"
    # As they were before any patch; empty for what was not there.
    [[ ! -d $pristine/tools ]] || cp -r "$pristine/tools" "$tree"
    find "$tree" -type f -empty -delete
  ) 9>"$cache/$version.lock" >"$log" 2>&1
  patch -d "$tree" -p1 -s <"$work/tests.patch"
  # What wants a library that is not there is not built. khugepaged.c of 6.12 lacks a definition of
  # KSFT_SKIP.
  make -k -j "$(nproc)" -C "$tree/tools/testing/selftests/$folder" ARCH=x86_64 CAN_BUILD_I386=0 \
    OUTPUT="$programs.new" top_srcdir="$tree" KHDR_INCLUDES="-isystem $headers/usr/include" \
    EXTRA_CFLAGS='-DKSFT_SKIP=4' all >>"$log" 2>&1 || true
  if [[ ! -x $programs.new/pagemap_shmem_swap ]]; then
    tail -n 40 "$log" >&2
    exit 1
  fi
  rm -rf "$tree" "$headers"
  mv "$programs.new" "$programs"
}

run_on() {  # VERSION PROGRAMS BUILD-OPTION...: the guest's lines.
  local kernel
  kernel=$(kernel-patches/build.sh "${@:3}" "$1" | tail -n 1)
  kernel-patches/boot.sh --swap 512 --show "$work" --limit 900 "$kernel" -- \
    "$work/selftests_in_guest.sh" "$2"
}

cp tests/qemu/selftests_in_guest.sh "$work"
failed=0
for version in "${versions[@]}"; do
  folder=mm
  [[ $version != 6.1 ]] || folder=vm
  build_programs "$version" "$folder"
  rm -rf "$work/programs" && cp -r "$programs" "$work/programs"
  run_on "$version" "$work/programs" --stock >"$work/stock"
  run_on "$version" "$work/programs" >"$work/patched"
  python3 tests/qemu/selftests_table.py "$version" "$work/stock" "$work/patched" || failed=1
done
exit "$failed"
