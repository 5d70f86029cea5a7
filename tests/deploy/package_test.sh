#!/usr/bin/env bash
# The Debian package: built twice, byte for byte the same; nothing for lintian to complain of; and
# in a clean Debian, with and without systemd's tools, installed, run, removed and purged, without a
# trace. As root, with Debian's archive in reach.
#
# usage: package_test.sh PAGEMAPD.deb
set -euo pipefail
export LC_ALL=C

if [[ -z ${PACKAGE_TEST_INSIDE:-} ]]; then
  # Namespaces of its own: whatever is mounted or started here ends with this process. --kill-child
  # only after a mount namespace, so that the clean Debian, on a tmpfs, goes as well.
  PACKAGE_TEST_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi

fail() {
  printf 'package_test.sh: %s\n' "$*" >&2
  exit 1
}
say() { printf '%3d s  %s\n' "$SECONDS" "$*"; }

package=$(realpath -e "$1")
work=$TEST_TMPDIR/package
root=$work/root
mkdir -p "$work"
mount -t tmpfs -o mode=755 tmpfs "$work"

# --- What the package is.

date_of() {
  dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/pagemapd/changelog.gz | zcat |
    sed -n 's/^ -- .*>  //p'
}
mkdir "$work/again"
(umask 077 && SOURCE_DATE_EPOCH=$(date -d "$(date_of "$package")" +%s) TZ=Asia/Tokyo LC_ALL=C.UTF-8 \
  deploy/build-deb.sh --binaries . --output "$work/again" >"$work/log" 2>&1) || cat "$work/log"
cmp "$package" "$work"/again/*.deb || fail "a second build gives another package"
[[ $(basename "$work"/again/*.deb) =~ ^pagemapd_[0-9.]+_amd64\.deb$ ]] || fail "no such name"
say "Built twice, the same: $(stat -Lc %s "$package") bytes"

# Its database of ELF files stays behind in TMPDIR.
TMPDIR=$work lintian --allow-root --fail-on error,warning "$package" || fail "lintian complains"
say "lintian has nothing to say"

# --- A clean Debian with what the package depends on, and what its scripts call.

dependencies=$(dpkg-deb -f "$package" Depends | sed 's/ ([^)]*)//g; s/ //g')
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.{list,sources}; do
  [[ ! -s $file ]] || sources+=("$file")
done
# The archive need not answer for each run: what was downloaded is kept, as long as the lists name
# it. The environment of a test may have no HOME.
home=~
debs=${XDG_CACHE_HOME:-$home/.cache}/pagemapd/debs
mkdir -p "$debs"
export debs
# shellcheck disable=SC2016
make_debian() {
  mmdebstrap --quiet --mode=root --variant=custom --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "5"' \
    --skip=essential/unlink --customize-hook='APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get autoclean' \
    --customize-hook='rm -f "$debs"/*.deb && cp "$1"/var/cache/apt/archives/*.deb "$debs"' "$@" \
    --include=dpkg,dash,coreutils,diffutils,findutils,tar,sed,grep,libc-bin,base-files,base-passwd \
    --include="perl-base,passwd,usr-is-merged,systemd-standalone-sysusers" \
    --include="systemd-standalone-tmpfiles,$dependencies" \
    "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$root" "${sources[@]}" >"$work/log" 2>&1
}
# The host's lists of packages save their download, and with what is kept all of it. The lists may be
# too old by now, though, and apt looks at no more than the size of what is kept: then all anew.
# shellcheck disable=SC2016
if ! compgen -G '/var/lib/apt/lists/*_InRelease' >/dev/null || ! make_debian --skip=update \
  --setup-hook='mkdir -p "$1/var/lib/apt/lists/partial"' \
  --setup-hook='cp /var/lib/apt/lists/*_* "$1/var/lib/apt/lists/"' \
  --setup-hook='mkdir -p "$1/var/cache/apt/archives/partial"' \
  --setup-hook='find "$debs" -name "*.deb" -exec cp -t "$1/var/cache/apt/archives" {} +'; then
  rm -rf "$root"
  make_debian || { tail -n 20 "$work/log" && fail "no clean Debian"; }
fi
say "A clean Debian of $(chroot "$root" dpkg-query -f . -W | wc -c) packages"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
cp "$package" "$root/pagemapd.deb"

# A command after it becomes the process that is started, which can be killed then.
enter=(chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin)
in_debian() { "${enter[@]}" "$@"; }
dpkg_quietly() { in_debian DEBIAN_FRONTEND=noninteractive dpkg "$@" >"$work/log" 2>&1 ||
  { cat "$work/log" && fail "dpkg $*"; }; }
# All files, with what is in them. Left out is what every run of dpkg and useradd changes.
snapshot() {
  (
    cd "$root"
    files=(. \( -path ./proc -o -path ./sys -o -path ./dev \) -prune -o
      \! -path './var/lib/dpkg/*-old' \! -path './var/lib/dpkg/lock*' \! -path ./var/lib/dpkg/status
      \! -path ./var/lib/dpkg/triggers/Lock \! -path './var/log/*' \! -path ./etc/.pwd.lock
      \! -regex '\./etc/[a-z]+-')
    find "${files[@]}" -printf '%p %M %U:%G %l\n' | sort
    find "${files[@]}" -type f -print0 | sort -z | xargs -0 sha256sum
  )
  # shellcheck disable=SC2016
  in_debian dpkg-query -f '${Package} ${Status}\n' -W
}
has_user() { in_debian getent passwd pagemapd >/dev/null; }

# --- Once without systemd's tools, by hand as root; once with them.

ask() {  # From inside, about a process that sleeps.
  "${enter[@]}" sleep 1000 &
  local target=$! state i
  # It is chroot and env first.
  for ((i = 0; i < 600; i++)); do
    [[ $(<"/proc/$target/comm") != sleep ]] || break
    sleep 0.1
  done
  in_debian pagemapctl status | grep -q "^version *$(dpkg-deb -f "$package" Version)$" ||
    fail "no status"
  in_debian pagemapctl summary "$target" -o csv -n | tee "$work/summary" | grep -q "^$target," ||
    fail "no summary of process $target: $(cat "$work/summary")"
  state=$(in_debian pagemapctl pages "$target" --mapping '[stack]' --state mapped -n | wc -l)
  ((state > 0)) || fail "no page of the stack of process $target is mapped"
  kill "$target"
  wait "$target" || true
}

run_by_hand() {
  in_debian pagemapd --check-config --policy /etc/pagemapd/pagemapd.policy >"$work/log" 2>&1 ||
    fail "the policy as installed: $(cat "$work/log")"
  "${enter[@]}" pagemapd --policy /etc/pagemapd/pagemapd.policy >"$work/log" 2>&1 &
  local daemon=$! i
  for ((i = 0; i < 600; i++)); do
    [[ ! -S $root/run/pagemapd/pagemapd.sock ]] || break
    kill -0 "$daemon" || fail "the daemon ended: $(cat "$work/log")"
    sleep 0.1
  done
  ask
  kill "$daemon"
  wait "$daemon" || fail "the daemon ended with $?: $(cat "$work/log")"
}

for tool in systemd-sysusers systemd-tmpfiles; do mv "$root/bin/$tool" "$root/bin/$tool.away"; done
snapshot >"$work/before"
dpkg_quietly --install /pagemapd.deb
snapshot >"$work/installed"
! has_user || fail "a user without systemd-sysusers"
run_by_hand
dpkg_quietly --remove pagemapd
[[ -e $root/etc/pagemapd/pagemapd.policy && ! -e $root/usr/sbin/pagemapd ]] || fail "remove: wrong"
dpkg_quietly --purge pagemapd
snapshot >"$work/after"
diff "$work/before" "$work/after" || fail "not as before"
say "Without systemd: installed $(diff "$work/before" "$work/installed" | grep -c '^> \./.* -r') files," \
  "run, removed, purged, no trace"

for tool in systemd-sysusers systemd-tmpfiles; do mv "$root/bin/$tool.away" "$root/bin/$tool"; done
snapshot >"$work/before"
dpkg_quietly --install /pagemapd.deb
has_user || fail "no user pagemapd"
[[ $(stat -c '%a %U' "$root/run/pagemapd") == '755 root' ]] || fail "no /run/pagemapd"
# As an administrator would, and then an upgrade, with the policy edited.
systemctl --root="$root" --quiet enable pagemapd.socket
wanted=$root/etc/systemd/system/sockets.target.wants/pagemapd.socket
[[ -L $wanted ]] || fail "not enabled"
echo '# Ours.' >>"$root/etc/pagemapd/pagemapd.policy"
dpkg_quietly --install /pagemapd.deb
[[ -L $wanted ]] || fail "no more enabled after an upgrade"
grep -q '^# Ours.$' "$root/etc/pagemapd/pagemapd.policy" || fail "an upgrade undid the policy"
run_by_hand
dpkg_quietly --remove pagemapd
has_user || fail "remove removed the user"
dpkg_quietly --purge pagemapd
! has_user || fail "purge left the user"
snapshot >"$work/after"
diff "$work/before" "$work/after" || fail "not as before"
say "With systemd's tools: installed, enabled, upgraded, run, removed, purged, no trace"
