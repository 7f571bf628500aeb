"""Watches a tritonserver from beside it, since two things go wrong there for good: a model whose process
dies is not started again (all requests to it fail from then on), and a server that is killed leaves those
of its models behind.

Run as a file (`python -I -S guard.py PID HTTP_PORT`): it imports the standard library only and stays small. A
lost model process ends the server; whoever supervises it starts it anew. Models that do not load are no
loss: until the server is ready their processes come and go.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

_STUB = "triton_python_backend_stub"
_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 3.0
"""A server that ends in an orderly way takes its models down one by one."""
_STOP_SECONDS = 2.0
"""It waits in vain for the lost one."""


def stubs_of(pid: int) -> dict[int, str]:
    """The processes of its models, each with the model's name. Their command lines name model and server,
    also once the server is dead and they have another parent."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            line = (process / "cmdline").read_bytes().decode(errors="replace")
            program, model, _region, _size, _growth, server, *_ = line.split("\0")
            if program.endswith(_STUB) and int(server) == pid:
                found[int(process.name)] = Path(model).parent.parent.name
    return found


def models_of(port: int) -> set[str] | None:
    """The models that the server has loaded; `None` as long as it loads some."""
    with contextlib.suppress(OSError, ValueError), socket.create_connection(("127.0.0.1", port), 2) as asking:
        asking.sendall(b"POST /v2/repository/index HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        with asking.makefile("rb") as answer:
            index = json.loads(answer.read().partition(b"\r\n\r\n")[2])
        return {model["name"] for model in index if model.get("state") == "READY"}
    return None


class Watch:
    """One server with its models."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port
        self._models: set[str] | None = None
        self._server = os.pidfd_open(pid)
        self._stubs: dict[int, tuple[int, str]] = {}
        """File descriptor and model by process."""
        self._lost_at: float | None = None
        self._asked_to_stop = False

    def run(self) -> None:
        """Until the server has ended; then none of its models is left."""
        while not self._ended([self._server], _LOOK_SECONDS):
            if self._models is None:
                self._models = models_of(self._port)
            self._meet()
            self._miss()
            self._act()
        self._meet()  # those that began in its last second
        for stub, _ in self._stubs.values():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(stub, signal.SIGKILL)

    def _meet(self) -> None:
        for pid, model in stubs_of(self._pid).items():
            if pid not in self._stubs:
                with contextlib.suppress(ProcessLookupError):
                    self._stubs[pid] = os.pidfd_open(pid), model

    def _miss(self) -> None:
        gone = self._ended([stub for stub, _ in self._stubs.values()], 0)
        for pid, (stub, model) in list(self._stubs.items()):
            if stub in gone:
                os.close(stub)
                del self._stubs[pid]
                if model in (self._models or ()):
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
