#!/usr/bin/env bash
# Builds one kernel for the tests, and prints the path of its image, which boot.sh takes, as the last
# line. What was built before is not built again.
#
# usage: build.sh [--stock] [--through NAME] [--patch FILE] [--debug] VERSION
#   VERSION         a folder beside this file: 6.1 or 6.12. Its BASE names the Debian package with the
#                   source, its series the patches, its config what comes on top of the common one
#   --stock         no patches
#   --through NAME  patches up to and with NAME only
#   --patch FILE    one patch more, on top; may be given again
#   --debug         with the kernel's own checks: debug.config
# environment:
#   PAGEMAPD_KERNEL_CACHE  sources, object files and images; ~/.cache/pagemapd/kernels if not set.
#                          2.5 GB a version, and 1 GB more with --debug
#   JOBS                   compilers at once; the number of CPUs if not set
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cache=${PAGEMAPD_KERNEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pagemapd/kernels}
jobs=${JOBS:-$(nproc)}
# Types are all that BTF needs of the debug information, not where variables are.
readonly flags='-fno-var-tracking -fno-var-tracking-assignments'

fail() {
  echo "build.sh: $*" >&2
  exit 1
}

stock='' debug='' through='' more=()
while (($#)); do
  case $1 in
    --stock) stock=1 ;;
    --debug) debug=1 ;;
    --through) through=${2:?--through wants a name} && shift ;;
    --patch) more+=("${2:?--patch wants a file}") && shift ;;
    -*) fail "no such option: $1" ;;
    *) break ;;
  esac
  shift
done
[[ $# == 1 && -f $here/$1/BASE ]] || fail "want one VERSION, of: $(cd "$here" && echo [0-9]*)"
version=$1
from=$here/$version

value_of() { sed -n "s/^$1 //p" "$from/BASE"; }
package=$(value_of package)
release=$(value_of version)

# The patches wanted, as paths.
patches=()
if [[ ! $stock ]]; then
  [[ -s $from/series ]] || fail "$from/series has no patches; --stock builds without"
  while read -r name; do
    patches+=("$from/$name")
    [[ $name != "$through" ]] || break
  done < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$from/series")
  [[ ! $through || ${patches[-1]} == "$from/$through" ]] || fail "no $through in $from/series"
fi
patches+=("${more[@]}")
configs=("$here/config" "$from/config")
[[ ! $debug ]] || configs+=("$here/debug.config")

variant=${stock:+stock}
variant=${variant:-patched}${debug:+-debug}
key=$(cat "$0" "$from/BASE" "${configs[@]}" "${patches[@]}" | sha256sum | cut -c 1-16)
image=$cache/images/linux-$version-$variant-$key
give_if_built() {
  [[ -f $image ]] || return 0
  touch "$image"
  echo "$image"
  exit
}
give_if_built

# One tree a version, since another path of source or objects would compile everything anew.
mkdir -p "$cache/images"
source=$cache/$version/source
objects=$cache/$version/objects${debug:+-debug}
exec 9>"$cache/$version.lock"
flock 9
# By whoever had the lock.
give_if_built

# The tar file of the pinned source: installed, or fetched.
find_source() {
  local installed tar=usr/src/linux-source-$version.tar.xz fetched=$cache/$version/package
  installed=$(dpkg-query -W -f='${Version}' "$package" 2>/dev/null || true)
  if [[ $installed == "$release" && -f /$tar ]]; then
    echo "/$tar"
    return
  fi
  rm -rf "$fetched" && mkdir -p "$fetched"
  if ! (cd "$fetched" && apt-get -qq download "$package=$release") >&2; then
    # The archive keeps the newest only. Where that changed what the patches do, they do not apply.
    echo "build.sh: $package $release, which $from/BASE pins, cannot be had; installed is" \
      "${installed:-none}; trying $(apt-cache policy "$package" | sed -n 's/ *Candidate: //p')" >&2
    (cd "$fetched" && apt-get -qq download "$package") >&2 ||
      fail "$package cannot be had in any version"
  fi
  dpkg-deb -x "$fetched"/*.deb "$fetched" && rm "$fetched"/*.deb
  echo "$fetched/$tar"
}

if [[ $(cat "$source/.release" 2>/dev/null) != "$release" ]]; then
  echo "Unpacking $package $release" >&2
  rm -rf "${cache:?}/$version"
  mkdir -p "$source"
  tar=$(find_source)
  # What no x86 kernel is made of is two thirds of the time that this takes.
  tar -xJf "$tar" -C "$source" --strip-components=1 --exclude='*/arch/[!x]*/*.[chS]' \
    --exclude='*.dts*' --exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]'
  rm -rf "$cache/$version/package"
  echo "$release" >"$source/.release"
fi

# Makes the tree what `patches` want. Only files whose content changes are written, so that no
# other is compiled again; pristine/ keeps the originals of those that ever were.
apply_patches() {
  local pristine=$cache/$version/pristine wanted=$cache/$version/wanted file
  mkdir -p "$pristine"
  rm -rf "$wanted"
  while read -r file; do
    mkdir -p "$pristine/$(dirname "$file")"
    # Empty stands for a file that is not there: the kernel has none.
    [[ -e $pristine/$file ]] || cp -p "$source/$file" "$pristine/$file" 2>/dev/null ||
      : >"$pristine/$file"
  done < <(sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' /dev/null "${patches[@]}" | sort -u)
  cp -rp "$pristine" "$wanted"
  find "$wanted" -type f -empty -delete
  for file in "${patches[@]}"; do
    patch -d "$wanted" -p1 -s -F 0 --no-backup-if-mismatch <"$file" >&2 ||
      fail "${file##*/} does not apply to $package $release"
  done
  while read -r file; do
    if [[ ! -e $wanted/$file ]]; then
      rm -f "$source/$file"
    elif ! cmp -s "$wanted/$file" "$source/$file"; then
      mkdir -p "$source/$(dirname "$file")"
      cp "$wanted/$file" "$source/$file"
    fi
  done < <(cd "$pristine" && find . -type f)
  rm -rf "$wanted"
}
apply_patches

echo "Building Linux $version, $variant, with ${#patches[@]} patches" >&2
mkdir -p "$objects"
log=$objects/build.log
make=(make -s -C "$source" O="$objects" KCFLAGS="$flags" KBUILD_BUILD_TIMESTAMP='1970-01-01'
  KBUILD_BUILD_USER=pagemapd KBUILD_BUILD_HOST=pagemapd)
cat "${configs[@]}" >"$objects/wanted.config"
# From that patch of the series on which brings it.
[[ $stock ]] || echo CONFIG_PTE_MARKER_PAGEOUT=y >>"$objects/wanted.config"
if ! { "${make[@]}" KCONFIG_ALLCONFIG="$objects/wanted.config" allnoconfig &&
  "${make[@]}" -j "$jobs" vmlinux; } </dev/null >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  fail "the build failed: $log"
fi
# An option that Kconfig dropped would be missed by a test at the earliest.
if lost=$(grep -h '^CONFIG_' "${configs[@]}" | grep -vxFf "$objects/.config"); then
  fail "not to be had in $version: $lost"
fi
# QEMU boots a vmlinux by PVH: nothing to compress, here, and to expand, there.
objcopy --strip-all "$objects/vmlinux" "$image.new"
mv "$image.new" "$image"
echo "$image"
