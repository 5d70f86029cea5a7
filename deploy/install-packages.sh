#!/usr/bin/env bash
# Installs what is missing of packages.txt. Needs neither root nor a network when nothing is.
set -euo pipefail

list=$(dirname "$(readlink -f "$0")")/packages.txt
missing=()
while read -r package; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
    missing+=("$package")
done < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$list")
((${#missing[@]})) || exit 0

echo "Installing ${missing[*]}"
if ((EUID != 0)); then
  echo "install-packages.sh: that needs root" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Hundreds of lines that matter only if it fails.
if ! { "${apt[@]}" update && "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"; } \
  </dev/null >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "install-packages.sh: apt-get failed" >&2
  exit 1
fi
