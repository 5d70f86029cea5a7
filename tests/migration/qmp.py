"""QEMU's machine protocol: a line of JSON there, one back, and events in between."""
import json
import socket
import struct

_LONGEST = 1 << 20


class QmpError(Exception):
    """What QEMU says, or that it says nothing."""


class Qmp:
    """A conversation with the QEMU whose socket is at `path`, which is process `pid`."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        # The kernel tells with what is read who wrote it. SO_PEERCRED tells who opened the socket:
        # QEMU, or who started it.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            self._socket.connect(path)
        except OSError as error:
            raise QmpError(f"{path}: {error}") from error
        sender = self._socket.recvmsg(1, socket.CMSG_SPACE(12), socket.MSG_PEEK)[1]
        if not sender:
            raise QmpError(f"{path}: closed")
        self.pid = struct.unpack("3i", sender[0][2])[0]
        self._lines = self._socket.makefile("rb")
        if "QMP" not in self._read():
            raise QmpError(f"{path}: no QEMU is there")
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        message = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self._read()
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def _read(self):
        line = self._lines.readline(_LONGEST)
        if not line.endswith(b"\n"):
            raise QmpError("QEMU has gone" if len(line) < _LONGEST else "QEMU talks too much")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise QmpError(f"QEMU says {line[:100]}")
        return answer
