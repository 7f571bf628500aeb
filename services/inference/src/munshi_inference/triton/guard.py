"""Watches a tritonserver from beside it, since two things go wrong there for good: a model whose process
dies is not started again (all requests to it fail from then on), and a server that is killed leaves those
of its models behind.

Run as a file (`python -I -S guard.py PID HTTP_PORT`): it imports the standard library only and stays small. A
lost model process ends the server; whoever supervises it starts it anew. Models that do not load are no
loss: until the server is ready their processes come and go.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

_STUB = b"triton_python_backend_stub"
_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 3.0
"""A server that ends in an orderly way takes its models down one by one."""
_STOP_SECONDS = 2.0
"""It waits in vain for the lost one."""


def _parent(process: Path) -> int:
    # The name in brackets may hold anything; the parent stands second after it.
    return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])


def stubs_of(pid: int) -> set[int]:
    """The processes of its models."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if _parent(process) == pid and _STUB in (process / "cmdline").read_bytes().split(b"\0")[0]:
                found.add(int(process.name))
    return found


def is_ready(port: int) -> bool:
    """Whether the server has loaded what it could."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as asking:
        asking.sendall(b"GET /v2/health/ready HTTP/1.0\r\n\r\n")
        return b" 200 " in asking.recv(64)
    return False


class Watch:
    """One server with its models."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port
        self._ready = False
        self._server = os.pidfd_open(pid)
        self._stubs: dict[int, int] = {}
        """File descriptors by process."""
        self._lost_at: float | None = None
        self._asked_to_stop = False

    def run(self) -> None:
        """Until the server has ended; then none of its models is left."""
        while not self._ended([self._server], _LOOK_SECONDS):
            self._ready = self._ready or is_ready(self._port)
            self._meet()
            self._miss()
            self._act()
        for stub in self._stubs.values():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(stub, signal.SIGKILL)

    def _meet(self) -> None:
        for pid in stubs_of(self._pid) - self._stubs.keys():
            with contextlib.suppress(ProcessLookupError):
                self._stubs[pid] = os.pidfd_open(pid)

    def _miss(self) -> None:
        gone = self._ended(list(self._stubs.values()), 0)
        for pid, stub in list(self._stubs.items()):
            if stub in gone:
                os.close(self._stubs.pop(pid))
                if self._ready:
                    self._lost_at = self._lost_at or time.monotonic()

    def _act(self) -> None:
        if self._lost_at is None:
            return
        since = time.monotonic() - self._lost_at
        if since > _GRACE_SECONDS and not self._asked_to_stop:
            sys.stderr.write("a model's process died: the server ends, to be started anew\n")
            sys.stderr.flush()
            self._asked_to_stop = True
            signal.pidfd_send_signal(self._server, signal.SIGTERM)
        if since > _GRACE_SECONDS + _STOP_SECONDS:
            signal.pidfd_send_signal(self._server, signal.SIGKILL)

    @staticmethod
    def _ended(descriptors: list[int], seconds: float) -> set[int]:
        poll = select.poll()
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(seconds * 1000)}


def main(arguments: list[str]) -> None:
    """Watches the process of that number."""
    with contextlib.suppress(ProcessLookupError):
        Watch(int(arguments[0]), int(arguments[1])).run()


if __name__ == "__main__":
    main(sys.argv[1:])
