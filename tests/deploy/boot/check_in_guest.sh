#!/bin/bash
# What run.sh has checked in the guest: installs the package, and is administrator and users. Says
# "ok: WHAT" or "not ok: WHAT", with what was said, and turns the machine off.
set -u
exec >/dev/ttyS0 2>&1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb NO_COLOR=1 SYSTEMD_PAGER='' LC_ALL=C
export DEBIAN_FRONTEND=noninteractive
trap 'systemctl --no-block poweroff' EXIT

readonly policy=/etc/pagemapd/pagemapd.policy
readonly unit=pagemapd.service
said=''

step() { printf '== %s\n' "$*"; }
check() {  # WHAT STATUS COMMAND...: whether it ends with that status.
  local got=0
  said=$("${@:3}" 2>&1) || got=$?
  verdict "$1" $((got == $2)) "status $got of: ${*:3}"$'\n'"$said"
}
verdict() {  # WHAT 1|0 DETAILS
  if (($2)); then
    printf 'ok: %s\n' "$1"
  else
    printf 'not ok: %s\n%s\n' "$1" "$3"
  fi
}
# Of what was said last.
says() { verdict "it says \"$1\"" "$([[ $said == *"$1"* ]] && echo 1 || echo 0)" "$said"; }
is() { verdict "$1" "$([[ $2 == "$3" ]] && echo 1 || echo 0)" "$2, not $3"; }  # WHAT VALUE WANTED
as() { runuser -u "$1" -- "${@:2}"; }
property() { systemctl show "$unit" -p "$1" --value; }
becomes() {  # WHAT PROPERTY VALUE: within a minute.
  local i
  for ((i = 0; i < 600; i++)); do
    [[ $(property "$2") != "$3" ]] || break
    sleep 0.1
  done
  is "$1" "$(property "$2")" "$3"
}
# PID, HOLE, MAPPED, CACHED, SWAPPED ...
swapped_pages() { pagemapctl -n summary "$1" | awk 'NR == 1 { print $5 }'; }

step "Debian: $(uname -r), $(systemctl --version | head -n 1)"
mkswap -q /dev/vdb && swapon /dev/vdb
useradd -m vm && useradd -m alice && groupadd operators
check 'the package is installed' 0 dpkg -i /pagemapd.deb
useradd -m bob -G operators,pagemapd
# shellcheck disable=SC2016
as vm perl -e '$x = "x" x (32 << 20); sleep' &
as alice perl -e 'sleep' &
for ((i = 0; i < 600; i++)); do
  vm=$(pgrep -u vm perl) && alice=$(pgrep -u alice perl) && break
  sleep 0.1
done

step 'The socket, and who may connect'
check 'nothing runs that was not asked for' 3 systemctl is-active pagemapd.socket "$unit"
check 'the socket is enabled' 0 systemctl enable --now pagemapd.socket
check 'the daemon waits for a question' 3 systemctl is-active "$unit"
check 'root is answered' 0 pagemapctl status
check 'by the daemon, which systemd started' 0 systemctl is-active "$unit"
is 'as a user of its own' "$(ps -o user= -p "$(property MainPID)")" pagemapd
check 'alice may not connect' 4 as alice pagemapctl summary "$alice"
adduser --quiet alice pagemapd
check 'but as one of the group' 0 as alice pagemapctl summary "$alice"
check 'without locations' 3 as alice pagemapctl pages "$alice" --locations
says 'missing right locations'
check 'and not about others' 4 as alice pagemapctl summary "$vm"

step 'The policy'
check 'bob may not ask about the VM' 4 as bob pagemapctl summary "$vm"
cat >>"$policy" <<'EOF'
grant { group: "operators" right: [INSPECT, LOCATIONS, PAGEOUT] of_user: "vm" }
EOF
check 'a policy is read again' 0 systemctl reload "$unit"
for ((i = 0; i < 600; i++)); do
  ! as bob pagemapctl summary "$vm" >/dev/null 2>&1 || break
  sleep 0.1
done
check 'bob may ask, where its pages are too' 0 as bob pagemapctl pages "$vm" --locations
check 'and page them out' 0 as bob pagemapctl pageout "$vm" --mapping '[anon]'
swapped=$(swapped_pages "$vm")
verdict 'so that they are in swap' $((${swapped:-0} >= 8192)) "$(pagemapctl summary "$vm")"
check 'the journal has who did it' 0 journalctl -q -u "$unit"
says 'page_out begins caller="uid '
says 'page_out ends caller="uid '
says 'denied right=inspect caller="uid '
echo 'grant { nonsense }' >>"$policy"
check 'a wrong policy is not' 1 systemctl reload "$unit"
check 'and what was stays' 0 as bob pagemapctl summary "$vm"
sed -i '$d' "$policy"

step 'What systemd does'
check 'it is exposed as little as is said' 0 systemd-analyze security "$unit" --threshold=18
is 'its memory has a limit' "$(property MemoryMax)" 469762048
systemctl kill -s KILL "$unit"
check 'a killed daemon answers who asks next' 0 pagemapctl summary "$vm"
# Stopped, it feeds no watchdog; there is no room for the two minutes of the unit.
mkdir -p "/run/systemd/system/$unit.d"
printf '[Service]\nWatchdogSec=10\n' >"/run/systemd/system/$unit.d/watchdog.conf"
systemctl daemon-reload
systemctl restart "$unit"
sleep 25
becomes 'the watchdog is fed' NRestarts 0
kill -STOP "$(property MainPID)"
becomes 'and bites when it is not' NRestarts 1
check 'after which the daemon answers' 0 pagemapctl summary "$vm"
rm -r "/run/systemd/system/$unit.d"
systemctl daemon-reload
for dropin in own-files without-admin without-bpf; do
  install -D -t "/etc/systemd/system/$unit.d" "/usr/share/doc/pagemapd/examples/$dropin.conf"
  systemctl daemon-reload
  systemctl restart "$unit"
  check "$dropin.conf: it answers" 0 pagemapctl summary "$vm"
  rm -r "/etc/systemd/system/$unit.d"
done
systemctl daemon-reload
systemctl restart "$unit"

step 'Prometheus'
printf 'TARGETS="%s"\n' "$vm" >/etc/default/pagemapd-metrics
check 'the metrics are written' 0 systemctl start pagemapd-metrics.service
check 'and will be' 0 systemctl enable --now pagemapd-metrics.timer
check 'the timer is there' 0 systemctl is-active pagemapd-metrics.timer
systemctl restart prometheus-node-exporter
check 'node_exporter has them' 0 curl -s --retry 20 --retry-connrefused localhost:9100/metrics
says 'pagemapd_up 1'
says 'pagemapd_swap_area_used_bytes{area="/dev/vdb"'

step 'The end'
check 'the daemon stops' 0 systemctl stop pagemapd-metrics.timer pagemapd.socket "$unit"
is 'of itself' "$(property Result)" success
check 'the package goes' 0 dpkg --purge pagemapd
check 'with its user' 2 getent passwd pagemapd
is 'its policy, and its directory' "$(ls -d "$policy" /run/pagemapd 2>/dev/null)" ''
is 'and nothing has failed' "$(systemctl --failed --no-legend)" ''
step 'Done'
