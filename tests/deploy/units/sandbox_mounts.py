"""The view of the file system that systemd gives a unit (systemd.exec(5)), by mount(8).

Everything here changes the mounts of the calling process, which must have a mount namespace of its
own: its end undoes all.
"""

import os
import subprocess

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_DIRECTORIES = ("pts", "shm", "mqueue", "hugepages")
# src/core/namespace.c of systemd 252.
_TUNABLES_READ_ONLY = (
    "/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq",
    "/proc/latency_stats", "/proc/mtrr", "/proc/scsi", "/proc/sys", "/proc/sysrq-trigger",
    "/proc/timer_stats")
_TUNABLES_HIDDEN = ("/proc/kallsyms", "/proc/kcore")
_HOMES = ("/home", "/root", "/run/user")


def _mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def _is_below(path, directories):
    return any(path == top or path.startswith(top + "/") for top in directories)


def _mount_points():
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        points = [line.split(" ")[4] for line in lines]
    return [point.encode().decode("unicode_escape") for point in points]


def _make_read_only(top, but=()):
    """The mounts at and below a directory, but those at or below some others."""
    for point in _mount_points():
        if (top == "/" or _is_below(point, (top,))) and not _is_below(point, but):
            _mount("-o", "remount,bind,ro", point)


def _bind(source, target, *options):
    if os.path.exists(source):
        _mount("--bind", source, target, *options)


def _hide(path, scratch):
    """Puts something in its place that nobody may open."""
    if not os.path.exists(path):
        return
    nothing = "hidden-directory" if os.path.isdir(path) else "hidden-file"
    _mount("--bind", os.path.join(scratch, nothing), path)
    _mount("-o", "remount,bind,ro", path)


def _private_devices(scratch):
    stage = os.path.join(scratch, "dev")
    os.mkdir(stage)
    _mount("-t", "tmpfs", "-o", "nosuid,noexec,mode=755", "tmpfs", stage)
    for name in _DEVICES:
        open(os.path.join(stage, name), "x").close()
        _bind(os.path.join("/dev", name), os.path.join(stage, name))
    for name in _DEVICE_DIRECTORIES:
        if os.path.isdir(os.path.join("/dev", name)):
            os.mkdir(os.path.join(stage, name))
            _mount("--rbind", os.path.join("/dev", name), os.path.join(stage, name))
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + target, os.path.join(stage, name))
    _mount("-o", "remount,bind,ro", stage)
    _mount("--move", stage, "/dev")


def lay_over(tree):
    """Shows the files of tree/usr and tree/etc beside those of /usr and /etc."""
    for name in ("usr", "etc"):
        layers = f"{os.path.join(tree, name)}:/{name}"
        _mount("-t", "overlay", "-o", "ro,lowerdir=" + layers, "overlay", "/" + name)


def apply(unit, scratch):
    """`scratch` is an empty directory, and stays one for all who do not have these mounts."""
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", scratch)
    os.mkdir(os.path.join(scratch, "hidden-directory"), 0)
    os.close(os.open(os.path.join(scratch, "hidden-file"), os.O_CREAT | os.O_EXCL, 0))
    # A fresh instance first: the others put things upon parts of /proc.
    if unit.text("ProtectProc"):
        _mount("-t", "proc", "-o", "nosuid,nodev,noexec,hidepid=" + unit.text("ProtectProc"),
               "proc", "/proc")
    if unit.is_yes("PrivateDevices"):
        _private_devices(scratch)
    if unit.is_yes("ProtectKernelTunables"):
        for path in _TUNABLES_READ_ONLY:
            if os.path.exists(path):
                _mount("--bind", path, path)
                _mount("-o", "remount,bind,ro", path)
        for path in _TUNABLES_HIDDEN:
            _hide(path, scratch)
        _make_read_only("/sys", but=("/sys/fs/cgroup",))
    if unit.is_yes("ProtectControlGroups"):
        _make_read_only("/sys/fs/cgroup")
    if unit.is_yes("ProtectKernelLogs"):
        _hide("/proc/kmsg", scratch)
        _hide("/dev/kmsg", scratch)
    if unit.is_yes("ProtectKernelModules"):
        _hide("/usr/lib/modules", scratch)
    if unit.text("ProtectSystem") == "strict":
        _make_read_only("/", but=("/proc", "/sys", "/dev"))
    if unit.is_yes("ProtectHome"):
        for path in _HOMES:
            _hide(path, scratch)
    if unit.is_yes("PrivateTmp"):
        for path in ("/tmp", "/var/tmp"):
            _mount("-t", "tmpfs", "-o", "nosuid,nodev,mode=1777", "tmpfs", path)
