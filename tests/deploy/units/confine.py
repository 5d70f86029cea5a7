#!/usr/bin/python3 -B
"""Runs a unit's program under the unit's restrictions, without a systemd that runs.

usage: confine.py --root TREE --scratch DIRECTORY [--drop-in FILE]... UNIT

TREE holds an unpacked package, of which the program sees usr and etc laid over those of /; its
etc/passwd names the user. UNIT is the name of a unit in it. DIRECTORY is empty, and stays so.
Becomes the program, in the same process, so that whoever started this knows its pid. A setting that
is neither applied here nor listed below is an error: the unit cannot say more than is tried.
"""

import argparse
import ctypes
import os
import pwd
import resource
import shlex
import signal
import subprocess
import sys

import sandbox_mounts
import seccomp_filters
import unit_file

# What systemd itself does, from outside of the program: when it starts and ends it, its cgroup.
_SYSTEMDS_OWN = {
    "ExecReload", "IPAddressDeny", "MemoryMax", "RemoveIPC", "Restart", "RestartSec", "TasksMax",
    "TimeoutStopSec", "Type", "WatchdogSec",
}
_APPLIED = {
    "AmbientCapabilities", "CapabilityBoundingSet", "ExecStart", "Group", "KeyringMode",
    "LimitNOFILE", "LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges",
    "PrivateDevices", "PrivateMounts", "PrivateNetwork", "PrivateTmp",
    "ProtectClock", "ProtectControlGroups", "ProtectHome", "ProtectHostname",
    "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectProc",
    "ProtectSystem", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime",
    "RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallErrorNumber",
    "SystemCallFilter", "UMask", "User",
}

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWNET = 1 << 17, 1 << 26, 1 << 30
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_NO_NEW_PRIVS = 1, 8, 38
_SYS_KEYCTL, _KEYCTL_JOIN_SESSION_KEYRING = 250, 1
_CAP_SET = 1

_libc = ctypes.CDLL("libc.so.6", use_errno=True)
_libcap = ctypes.CDLL("libcap.so.2", use_errno=True)
_libcap.cap_from_text.restype = ctypes.c_void_p
_libcap.cap_set_proc.argtypes = [ctypes.c_void_p]


def _check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _separate(unit):
    flags = _CLONE_NEWNS
    if unit.is_yes("PrivateNetwork"):
        flags |= _CLONE_NEWNET
    if unit.is_yes("ProtectHostname"):
        flags |= _CLONE_NEWUTS
    _check(_libc.unshare(flags), "unshare")
    subprocess.run(["mount", "--make-rslave", "/"], check=True)
    if unit.text("KeyringMode") == "private":
        _check(_libc.syscall(_SYS_KEYCTL, _KEYCTL_JOIN_SESSION_KEYRING, None), "keyctl")


def _capabilities(unit, setting):
    names = " ".join(unit.lines(setting)).lower().split()
    numbers = {}
    for name in names:
        number = ctypes.c_int()
        _check(_libcap.cap_from_name(name.encode(), ctypes.byref(number)), name)
        numbers[name] = number.value
    return numbers


def _become(user, unit):
    """The unit's user, with its capabilities and no others."""
    bounding = _capabilities(unit, "CapabilityBoundingSet")
    ambient = _capabilities(unit, "AmbientCapabilities")
    _check(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS")
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as last:
        for number in set(range(int(last.read()) + 1)) - set(bounding.values()):
            _check(_libcap.cap_drop_bound(number), f"cap_drop_bound {number}")
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    # systemd leaves in the permitted set what is ambient; what else is bounded goes at exec.
    text = (",".join(ambient) + "=eip" if ambient else "=").encode()
    _check(_libcap.cap_set_proc(_libcap.cap_from_text(text)), "cap_set_proc")
    for name, number in ambient.items():
        _check(_libcap.cap_set_ambient(number, _CAP_SET), f"ambient {name}")


def _environment(user, unit):
    """systemd's, and what of it is for the program alone. Of ours, nothing else."""
    kept = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment.update(PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", LANG="C.UTF-8",
                       USER=user.pw_name, LOGNAME=user.pw_name, HOME=user.pw_dir,
                       SHELL=user.pw_shell)
    if unit.text("WatchdogSec"):
        environment.update(WATCHDOG_USEC=str(int(unit.text("WatchdogSec")) * 1000000),
                           WATCHDOG_PID=str(os.getpid()))
    return environment


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--drop-in", action="append", default=[])
    parser.add_argument("--scratch", required=True)
    parser.add_argument("unit")
    arguments = parser.parse_args()
    path = os.path.join(arguments.root, "lib/systemd/system", arguments.unit)
    unit = unit_file.UnitFile("Service", [path] + arguments.drop_in)
    if unknown := unit.settings.keys() - _APPLIED - _SYSTEMDS_OWN:
        raise ValueError(f"{arguments.unit}: not known here: {', '.join(sorted(unknown))}")
    filters = seccomp_filters.filters_of(unit)
    command = shlex.split(unit.lines("ExecStart")[-1])
    limit = int(unit.text("LimitNOFILE"))

    _separate(unit)
    sandbox_mounts.lay_over(arguments.root)
    user = pwd.getpwnam(unit.text("User"))
    environment = _environment(user, unit)
    sandbox_mounts.apply(unit, arguments.scratch)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    os.umask(int(unit.text("UMask"), 8))
    os.chdir("/")
    _become(user, unit)
    if unit.is_yes("NoNewPrivileges"):
        _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    # The change of user took back what whoever started this may have asked for.
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG")
    for built in filters:
        built.load()
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    sys.exit(main())
