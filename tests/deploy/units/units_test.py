#!/usr/bin/python3 -B
"""The units and the default policy: what systemd and the daemon make of them, and that confine.py,
by which the other tests restrict the daemon, does restrict."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import unit_file

SYSTEMD = "deploy/systemd"
EXAMPLES = SYSTEMD + "/examples"
# What `systemd-analyze security` may say at most.
MOST_EXPOSED = 1.8

# Tries what the unit forbids, and some that it needs, and prints what came of each.
PROBE = r"""
import ctypes, errno, json, os
libc = ctypes.CDLL("libc.so.6", use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 4 * [ctypes.c_int]
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
def opened(path, flags=os.O_RDONLY):
    try:
        with open(os.open(path, flags), "rb") as file:
            return "read" if file.read(1) else "empty"
    except OSError as error:
        return errno.errorcode[error.errno]
def listed(path):
    return "empty" if not os.listdir(path) else "full"
def writable_and_executable():
    ctypes.set_errno(0)
    address = libc.mmap(None, 4096, 7, 0x22, -1, 0)
    return "done" if address != ctypes.c_void_p(-1).value else errno.errorcode[ctypes.get_errno()]
print(json.dumps({
    "mount": call(165, b"none", b"/mnt", b"tmpfs", 0, None),
    "ptrace": call(101, 16, os.getppid(), 0, 0),
    "init_module": call(175, None, 0, b""),
    "clock_settime": call(227, 0, None),
    "sethostname": call(170, b"x", 1),
    "swapoff": call(168, b"/nowhere"),
    "reboot": call(169, 0, 0, 0, None),
    "setuid": call(105, 0),
    "unshare": call(272, 1 << 28),
    "setns": call(308, 0, 0),
    "clone3": call(435, None, 0),
    "sched_setscheduler": call(144, 0, 1, b"\1\0\0\0"),
    "personality": call(135, 8),
    "chmod": call(90, b"/dev/null", 0o4755),
    "perf_event_open": call(298, None, 0, -1, -1, 0),
    "socket AF_INET": call(41, 2, 1, 0),
    "socket AF_UNIX": call(41, 1, 1, 0),
    "bpf": call(321, 9999, None, 0),
    "mincore": call(27, 1, 0, None),
    "process_madvise": call(440, -1, None, 0, 21, 0),
    "pidfd_open": call(434, 0, 0),
    "faccessat2": call(439, -1, b"", 0, 0),
    "sched_setaffinity": call(203, 0, 0, None),
    "mmap of code": writable_and_executable(),
    "/etc": opened("/etc/probe", os.O_WRONLY | os.O_CREAT),
    "/usr": opened("/usr/probe", os.O_WRONLY | os.O_CREAT),
    "/run": opened("/run/probe", os.O_WRONLY | os.O_CREAT),
    "/proc/sys": "read-only" if os.statvfs("/proc/sys").f_flag & os.ST_RDONLY else "writable",
    "/sys": "read-only" if os.statvfs("/sys").f_flag & os.ST_RDONLY else "writable",
    "/proc/kallsyms": opened("/proc/kallsyms"),
    "/proc/kpageflags": opened("/proc/kpageflags"),
    "maps of root's": opened(f"/proc/{os.getppid()}/maps"),
    "/sys/kernel/btf/vmlinux": opened("/sys/kernel/btf/vmlinux"),
    "/dev/kmsg": opened("/dev/kmsg"),
    "/root": listed("/root"),
    "/tmp": listed("/tmp"),
    "networks": [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]],
}))
"""
EXPECTED = {
    # What SystemCallFilter= and its like deny.
    **dict.fromkeys([
        "mount", "ptrace", "init_module", "clock_settime", "sethostname", "swapoff", "reboot",
        "setuid", "unshare", "setns", "sched_setscheduler", "personality", "chmod",
        "perf_event_open", "mmap of code"], "EPERM"),
    "clone3": "ENOSYS",
    "socket AF_INET": "EAFNOSUPPORT",
    "socket AF_UNIX": "done",
    # What the daemon calls gets as far as the kernel, which finds the arguments wrong.
    "bpf": "EINVAL", "mincore": "EINVAL", "process_madvise": "EBADF", "pidfd_open": "EINVAL",
    "faccessat2": "ENOENT", "sched_setaffinity": "EINVAL",
    "/etc": "EROFS", "/usr": "EROFS", "/run": "EROFS",
    "/proc/sys": "read-only", "/sys": "read-only",
    "/proc/kallsyms": "empty", "/proc/kpageflags": "read", "maps of root's": "read",
    "/sys/kernel/btf/vmlinux": "read", "/dev/kmsg": "ENOENT",
    "/root": "empty", "/tmp": "empty",
    "networks": ["lo"],
}


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class UnitsTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def exposure(self, *files):
        """The figure of `systemd-analyze security` for a unit with its drop-ins."""
        path = os.path.join(self.directory, os.path.basename(files[0]))
        with open(path, "w", encoding="utf-8") as merged:
            merged.write("\n".join(_read(file) for file in files))
        shown = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", path], check=True,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
        figure = float(re.search(r"Overall exposure level for .*: ([0-9.]+)", shown).group(1))
        print(f"{' + '.join(files)}: {figure}")
        return figure

    def test_exposure(self):
        unit = f"{SYSTEMD}/pagemapd.service"
        self.assertLessEqual(self.exposure(unit), MOST_EXPOSED)
        for name in sorted(os.listdir(EXAMPLES)):
            if name != "tcp-socket.conf":
                self.assertLessEqual(self.exposure(unit, f"{EXAMPLES}/{name}"), MOST_EXPOSED, name)

    def test_systemd_understands_the_units(self):
        # Where they go, with their drop-ins; and for programs some that are there, since the package
        # is not installed here.
        system = os.path.join(self.directory, "system")
        places = {name: name for name in os.listdir(SYSTEMD)
                  if name.endswith((".service", ".socket", ".timer"))}
        units = [os.path.join(system, name) for name in places]
        self.assertIn(os.path.join(system, "pagemapd.service"), units)
        for name in os.listdir(EXAMPLES):
            kind = "socket" if name == "tcp-socket.conf" else "service"
            places[f"examples/{name}"] = f"pagemapd.{kind}.d/{name}"
        for source, place in places.items():
            text = re.sub(r"^(Exec\w+=)/usr/s?bin/pagemap\w+", r"\1/bin/true",
                          _read(f"{SYSTEMD}/{source}"), flags=re.MULTILINE)
            os.makedirs(os.path.dirname(os.path.join(system, place)), exist_ok=True)
            with open(os.path.join(system, place), "w", encoding="utf-8") as file:
                file.write(text)
        shown = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"] + units, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "SYSTEMD_UNIT_PATH": system + ":"})
        ours = [line for line in shown.stdout.splitlines() if "pagemapd" in line]
        self.assertEqual(ours, [])

    def test_settings(self):
        service = unit_file.UnitFile("Service", [f"{SYSTEMD}/pagemapd.service"])
        socket = unit_file.UnitFile("Socket", [f"{SYSTEMD}/pagemapd.socket"])
        self.assertEqual(
            {name: socket.text(name) for name in
             ("ListenStream", "SocketUser", "SocketGroup", "SocketMode")},
            {"ListenStream": "/run/pagemapd/pagemapd.sock", "SocketUser": "root",
             "SocketGroup": "pagemapd", "SocketMode": "0660"})
        # The daemon refuses calls before the kernel kills it.
        ceiling = int(re.search(r"--max-resident-bytes (\d+)",
                                service.lines("ExecStart")[-1]).group(1))
        memory_max = int(re.fullmatch(r"(\d+)M", service.text("MemoryMax")).group(1)) << 20
        self.assertLess(ceiling, memory_max)
        self.assertGreater(ceiling, memory_max * 3 // 4)
        # Each capability has its reason above it.
        reasons = re.findall(r"^# ((?:CAP_\w+(?:, )?)+):", _read(f"{SYSTEMD}/pagemapd.service"),
                             re.MULTILINE)
        justified = {name for reason in reasons for name in reason.split(", ")}
        for setting in ("AmbientCapabilities", "CapabilityBoundingSet"):
            self.assertEqual(set(" ".join(service.lines(setting)).split()), justified)

    def test_reload_checks_all_that_the_daemon_reads(self):
        drop_ins = [[f"{EXAMPLES}/{name}"] for name in sorted(os.listdir(EXAMPLES))
                    if name != "tcp-socket.conf"]
        for files in [[]] + drop_ins:
            service = unit_file.UnitFile("Service", [f"{SYSTEMD}/pagemapd.service"] + files)
            start, = service.lines("ExecStart")
            check, reload = service.lines("ExecReload")
            read = [re.findall(r"--(?:policy|tls-[a-z-]+) \S+", line) for line in (start, check)]
            self.assertIn("--check-config ", check, files)
            self.assertEqual(read[1], read[0], files)
            self.assertEqual(reload, "/bin/kill -HUP $MAINPID", files)

    def check_policy(self, text):
        path = os.path.join(self.directory, "policy")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return subprocess.run(["daemon/pagemapd", "--check-config", "--policy", path],
                              check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def test_policy(self):
        policy = _read("deploy/pagemapd.policy")
        self.assertEqual([line for line in policy.splitlines() if not line.startswith("#")], [])
        self.assertEqual(self.check_policy(policy).returncode, 0)
        examples = re.findall(r"^# grant \{\n(?:#   .*\n)+# \}$", policy, re.MULTILINE)
        self.assertEqual(len(examples), policy.count("grant {"))
        for example in examples:
            grant = re.sub(r"^# ", "", example, flags=re.MULTILINE)
            # Not every machine has these users and groups.
            grant = re.sub(r'^(  (?:user|group|of_user): )".*"', r'\1"1000"', grant,
                           flags=re.MULTILINE)
            checked = self.check_policy(grant)
            self.assertEqual(checked.returncode, 0, f"{grant}\n{checked.stdout}")
        self.assertEqual(self.check_policy('grant { user: "0" right: READ all: true }').returncode,
                         2)

    def test_confine_restricts(self):
        tree = os.path.join(self.directory, "tree")
        units = os.path.join(tree, "lib/systemd/system")
        for path in (units, f"{tree}/usr/share", f"{tree}/etc", f"{self.directory}/scratch"):
            os.makedirs(path)
        os.chmod(self.directory, 0o755)
        shutil.copy(f"{SYSTEMD}/pagemapd.service", units)
        for path, text in (
                ("etc/passwd", "root:x:0:0::/root:/bin/sh\npagemapd:x:61184:61184::/:/bin/false\n"),
                ("usr/share/probe.py", PROBE),
                ("drop-in", "[Service]\nExecStart=\nExecStart=/usr/bin/python3 -I "
                            "/usr/share/probe.py\n")):
            with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
                file.write(text)

        def confine(drop_in):
            return subprocess.run(
                ["tests/deploy/units/confine.py", "--root", tree, "--scratch",
                 f"{self.directory}/scratch", "--drop-in", drop_in, "pagemapd.service"],
                check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        probed = confine(f"{tree}/drop-in")
        self.assertEqual(probed.returncode, 0, probed.stderr)
        self.maxDiff = None
        self.assertEqual(json.loads(probed.stdout), EXPECTED)

        with open(f"{tree}/drop-in", "a", encoding="utf-8") as file:
            file.write("RestrictFileSystems=ext4\n")
        refused = confine(f"{tree}/drop-in")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("not known here: RestrictFileSystems", refused.stderr)


if __name__ == "__main__":
    unittest.main()
