"""The system call filters that systemd installs for a unit (systemd.exec(5)), by libseccomp.

Each setting is a filter of its own, as there: the kernel takes the strictest answer of all.
"""

import errno
import subprocess

import seccomp
from seccomp import ALLOW, EQ, ERRNO, GT, KILL_PROCESS, MASKED_EQ, NE, Arg

_DENIED = ERRNO(errno.EPERM)
_S_ISUID, _S_ISGID, _O_CREAT = 0o4000, 0o2000, 0o100
_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 2, 4, 0o100000
_AF_UNIX = 1
# CLONE_NEWCGROUP, NEWIPC, NEWNET, NEWNS, NEWPID, NEWUSER, NEWUTS and NEWTIME of linux/sched.h.
_NAMESPACES = (1 << 25, 1 << 27, 1 << 30, 1 << 17, 1 << 29, 1 << 28, 1 << 26, 1 << 7)


def _names_in(group, seen):
    """The system calls of a group such as @system-service, those of the groups in it included."""
    if group in seen:
        return set()
    seen.add(group)
    listing = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    names = set()
    for line in listing.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            names |= _names_in(word, seen)
        elif word and not word.startswith("#"):
            names.add(word)
    if not names:
        raise ValueError(f"{group} has no system calls")
    return names


def _names_of(words):
    names = set()
    for word in words.split():
        names |= _names_in(word, set()) if word.startswith("@") else {word}
    return names


def _known(names):
    """What libseccomp knows of them. systemd ignores the others."""
    return sorted(name for name in names if seccomp.resolve_syscall(seccomp.Arch(), name) != -1)


class SystemCallFilter:
    """SystemCallFilter=, line by line. The first line says whether what is not named is denied."""

    def __init__(self, lines, denied):
        self._denied = denied
        self.allows = not lines[0].startswith("~")
        self._named = _names_of("@default") if self.allows else set()
        for line in lines:
            names = _names_of(line.lstrip("~"))
            if line.startswith("~") == self.allows:
                self._named -= names
            else:
                self._named |= names

    def to_seccomp(self):
        built = seccomp.SyscallFilter(self._denied if self.allows else ALLOW)
        for name in _known(self._named):
            built.add_rule(ALLOW if self.allows else self._denied, name)
        return built


def _filter(rules):
    built = seccomp.SyscallFilter(ALLOW)
    for action, name, *arguments in rules:
        built.add_rule(action, name, *arguments)
    return built


def _denied(words):
    return _filter([(_DENIED, name) for name in _known(_names_of(words))])


def _memory_deny_write_execute():
    both = _PROT_WRITE | _PROT_EXEC
    return _filter([
        (_DENIED, "mmap", Arg(2, MASKED_EQ, both, both)),
        (_DENIED, "mprotect", Arg(2, MASKED_EQ, _PROT_EXEC, _PROT_EXEC)),
        (_DENIED, "pkey_mprotect", Arg(2, MASKED_EQ, _PROT_EXEC, _PROT_EXEC)),
        (_DENIED, "shmat", Arg(2, MASKED_EQ, _SHM_EXEC, _SHM_EXEC)),
    ])


def _restrict_suid_sgid():
    rules = [(ERRNO(errno.ENOSYS), "openat2")]
    for bit in (_S_ISUID, _S_ISGID):
        for name, mode in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1),
                           ("mkdirat", 2), ("mknod", 1), ("mknodat", 2), ("creat", 1)):
            rules.append((_DENIED, name, Arg(mode, MASKED_EQ, bit, bit)))
        for name, flags in (("open", 1), ("openat", 2)):
            rules.append((_DENIED, name, Arg(flags, MASKED_EQ, _O_CREAT, _O_CREAT),
                          Arg(flags + 1, MASKED_EQ, bit, bit)))
    return _filter(rules)


def _restrict_namespaces():
    # The flags of clone3(2) are in memory, where no filter looks.
    rules = [(ERRNO(errno.ENOSYS), "clone3"), (_DENIED, "setns")]
    for flag in _NAMESPACES:
        for name in ("unshare", "clone"):
            rules.append((_DENIED, name, Arg(0, MASKED_EQ, flag, flag)))
    return _filter(rules)


def _restrict_realtime():
    # SCHED_OTHER 0, SCHED_BATCH 3, SCHED_IDLE 5.
    rules = [(_DENIED, "sched_setscheduler", Arg(1, EQ, policy)) for policy in (1, 2, 4)]
    return _filter(rules + [(_DENIED, "sched_setscheduler", Arg(1, GT, 5))])


def _denied_by(unit):
    """What a call that SystemCallFilter= denies comes to: the end of the process, unless it says."""
    number = unit.text("SystemCallErrorNumber")
    return ERRNO(getattr(errno, number)) if number and number != "kill" else KILL_PROCESS


def filters_of(unit):
    """What to load, in systemd's order: SystemCallFilter= last, since it may deny seccomp(2)."""
    by_setting = {
        "MemoryDenyWriteExecute": _memory_deny_write_execute,
        "RestrictRealtime": _restrict_realtime,
        "RestrictSUIDSGID": _restrict_suid_sgid,
        "RestrictNamespaces": _restrict_namespaces,
        "ProtectHostname": lambda: _denied("sethostname setdomainname"),
        "ProtectClock": lambda: _denied("@clock"),
        "ProtectKernelModules": lambda: _denied("@module"),
        "ProtectKernelLogs": lambda: _denied("syslog"),
        "PrivateDevices": lambda: _denied("@raw-io"),
        "LockPersonality": lambda: _denied("personality"),
    }
    filters = [make() for setting, make in by_setting.items() if unit.is_yes(setting)]
    if unit.lines("RestrictAddressFamilies"):
        if unit.lines("RestrictAddressFamilies") != ["AF_UNIX"]:
            raise ValueError("RestrictAddressFamilies= other than AF_UNIX")
        filters.append(_filter([(ERRNO(errno.EAFNOSUPPORT), "socket", Arg(0, NE, _AF_UNIX))]))
    # libseccomp kills callers by another architecture's numbers: SystemCallArchitectures=native.
    if unit.lines("SystemCallFilter"):
        filters.append(SystemCallFilter(unit.lines("SystemCallFilter"),
                                        _denied_by(unit)).to_seccomp())
    return filters
