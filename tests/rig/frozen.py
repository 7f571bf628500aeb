"""A process that stands still for a while: alive for the kernel, dead to everybody else."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_SECONDS = 10.0


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stops all of a process and lets it go on at the end, if it still lives.

    The signal is sent at once, but a thread that runs elsewhere goes on for a moment: this waits for each.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        end = time.monotonic() + _SECONDS
        while not _still(pid):
            assert time.monotonic() < end, f"process {pid} did not stop"
            time.sleep(0.001)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _still(pid: int) -> bool:
    states = [task.joinpath("stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(state.rpartition(")")[2].split()[0] == "T" for state in states)
