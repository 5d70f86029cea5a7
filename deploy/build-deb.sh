#!/usr/bin/env bash
# Makes the Debian package pagemapd_VERSION_amd64.deb, and prints its path. Needs no root. The same
# binaries and SOURCE_DATE_EPOCH give the same package, byte for byte.
#
# usage: build-deb.sh [--binaries DIRECTORY] [--output DIRECTORY]
#   --binaries  where daemon/pagemapd and cli/pagemapctl are; else bazel builds them
#   --output    where the package goes; else the current directory
#
# Environment: SOURCE_DATE_EPOCH, the time of the package in seconds since 1970, else that of the last
# commit; DEBFULLNAME and DEBEMAIL, its maintainer.
set -euo pipefail
umask 022
export LC_ALL=C

fail() {
  printf 'build-deb.sh: %s\n' "$*" >&2
  exit 1
}

binaries=
output=.
while (($#)); do
  (($# > 1)) || fail "$1: no such option, or its value is missing"
  case $1 in
    --binaries) binaries=$(realpath -e "$2") ;;
    --output) output=$2 ;;
    *) fail "$1: no such option" ;;
  esac
  shift 2
done
output=$(realpath -e "$output")

cd "$(dirname "$(readlink -f "$0")")/.."
[[ $(dpkg --print-architecture) == amd64 ]] || fail "the package is for amd64"
version=$(sed -n 's/^inline constexpr char kVersion\[\] = "\([0-9][0-9a-z.~+]*\)";$/\1/p' version.h)
[[ -n $version ]] || fail "version.h tells no version"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-pagemapd maintainers} <${DEBEMAIL:-maintainers@pagemapd.invalid}>"

if [[ -z $binaries ]]; then
  bazel build --noshow_progress --ui_event_filters=-info,-debug --show_result=0 \
    //daemon:pagemapd //cli:pagemapctl >&2
  binaries=$(bazel info bazel-bin 2>/dev/null)
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/DEBIAN" "$work/debian"

put() { install -D -m 0644 "$1" "$root/$2"; }
# Readers of compressed documentation know nothing but gzip.
put_compressed() { put "$1" "$2" && gzip -9n "$root/$2"; }

install -D -s "$binaries/daemon/pagemapd" "$root/usr/sbin/pagemapd"
install -D -s "$binaries/cli/pagemapctl" "$root/usr/bin/pagemapctl"

units=()
for file in deploy/systemd/*.{socket,service,timer}; do
  put "$file" "lib/systemd/system/${file##*/}"
  units+=("${file##*/}")
done
put deploy/systemd/sysusers.d/pagemapd.conf usr/lib/sysusers.d/pagemapd.conf
put deploy/systemd/tmpfiles.d/pagemapd.conf usr/lib/tmpfiles.d/pagemapd.conf
put deploy/pagemapd.policy etc/pagemapd/pagemapd.policy
put deploy/systemd/pagemapd-metrics.default etc/default/pagemapd-metrics
(cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"

for file in deploy/man/*.scd; do
  page=$(basename "$file" .scd)
  scdoc <"$file" >"$work/$page"
  put_compressed "$work/$page" "usr/share/man/man${page##*.}/$page"
done
for file in deploy/completions/bash/*; do
  put "$file" "usr/share/bash-completion/completions/${file##*/}"
done
for file in deploy/completions/zsh/*; do
  put "$file" "usr/share/zsh/vendor-completions/${file##*/}"
done
for file in deploy/grafana/*.json; do
  put "$file" "usr/share/pagemapd/grafana/${file##*/}"
done
# For clients.
for file in proto/pagemapd/v1/*.proto; do
  put "$file" "usr/share/pagemapd/$file"
done

documentation=usr/share/doc/pagemapd
put deploy/debian/copyright "$documentation/copyright"
put_compressed README.md "$documentation/README.md"
put_compressed CHANGELOG.md "$documentation/CHANGELOG.md"
for file in deploy/systemd/examples/*; do
  put "$file" "$documentation/examples/${file##*/}"
done
cat >"$work/changelog" <<END
pagemapd ($version) unstable; urgency=medium

  * What changed is in /usr/share/doc/pagemapd/CHANGELOG.md.gz.

 -- $maintainer  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END
put_compressed "$work/changelog" "$documentation/changelog"

for script in postinst prerm postrm; do
  sed "s/@UNITS@/${units[*]}/" "deploy/debian/$script" >"$root/DEBIAN/$script"
  chmod 0755 "$root/DEBIAN/$script"
done

# dpkg-shlibdeps wants a source package around it.
printf 'Source: pagemapd\n\nPackage: pagemapd\nArchitecture: amd64\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O root/usr/sbin/pagemapd root/usr/bin/pagemapctl |
  sed -n 's/^shlibs:Depends=//p')
[[ -n $depends ]] || fail "dpkg-shlibdeps found no dependencies"

cat >"$root/DEBIAN/control" <<END
Package: pagemapd
Version: $version
Architecture: amd64
Maintainer: $maintainer
Installed-Size: $(find "$root" -type f -not -path '*/DEBIAN/*' -printf '%s\n' |
  awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }')
Depends: $depends, init-system-helpers (>= 1.54~)
Recommends: systemd
Suggests: bash-completion, prometheus-node-exporter, qemu-system-x86
Section: admin
Priority: optional
Description: tells where the pages of processes are: in RAM, in swap, or nowhere
 A daemon that answers for every page of a process or of a virtual machine
 whether it is in RAM, in swap and where there, or does not exist; for shared
 memory too, of which /proc/PID/pagemap does not tell what is in swap. It pages
 memory out when asked to, and tells what became of each page: what was in swap
 before a live migration can be put back there after it.
 .
 pagemapctl is its command line. Programs ask it by gRPC.
END
(cd "$root" && find . -type f -not -path './DEBIAN/*' -printf '%P\n' | sort |
  xargs -d '\n' md5sum >DEBIAN/md5sums)

package=$output/pagemapd_${version}_amd64.deb
# More threads would make another archive of the same files.
dpkg-deb --root-owner-group --threads-max=1 --build "$root" "$package" >&2
echo "$package"
