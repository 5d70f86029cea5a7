#!/usr/bin/env bash
# Checks the patches of one version as a reviewer would: checkpatch.pl --strict finds nothing in any,
# and the kernel builds, without a warning, after each. Not a part of the tests: a series' first build
# takes minutes.
#
# usage: check.sh VERSION
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cache=${PAGEMAPD_KERNEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pagemapd/kernels}
version=${1:?want a VERSION: 6.1 or 6.12}
mapfile -t series < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$here/$version/series")

# Unpacks the sources, too. What stock warns of is none of ours.
"$here/build.sh" --stock "$version"
failed=0
for name in "${series[@]}"; do
  echo "== $name"
  # From stdin, since it takes a file that git knows for source. On stderr its helpers miss modules.
  perl "$cache/$version/source/scripts/checkpatch.pl" -q --strict --no-summary --color=never \
    --root="$cache/$version/source" - <"$here/$version/$name" 2>/dev/null || failed=1
  rm -f "$cache/$version/objects/build.log"
  "$here/build.sh" --through "$name" "$version" || failed=1
  # There is none if the image was built before.
  if grep -q 'warning:' "$cache/$version/objects/build.log" 2>/dev/null; then
    grep -A 5 'warning:' "$cache/$version/objects/build.log"
    failed=1
  fi
done
exit "$failed"
