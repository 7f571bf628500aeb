"""One child process: how it is started, watched and ended. The same for `munshi up` and for the tests."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from munshi.embedded.confinement import Confinement


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What is needed to start a program, again and again."""

    name: str
    argv: tuple[str, ...]
    log: Path
    """Its output is appended here."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside the parent's own environment."""
    confinement: Confinement = field(default_factory=Confinement)
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGKILL
    """What the kernel sends when the parent dies."""
    stop_seconds: float = 10.0
    """How long it may take to end before it is killed."""
    before: Callable[[], None] | None = None
    """Clears what a killed predecessor left; called before every start."""


def start(spec: ProcessSpec) -> subprocess.Popen[bytes]:
    """Starts the program in a session of its own; it dies with the calling process. Main thread only.

    The kernel's death signal is bound to the starting thread, so no worker thread may call this.
    """
    if spec.before is not None:
        spec.before()
    command = spec.confinement.command(spec.argv, parent=os.getpid(), death_signal=spec.death_signal)
    with spec.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 (a command of our own making)
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, **spec.environment},
            start_new_session=True,
        )


def ask_to_stop(process: subprocess.Popen[bytes], spec: ProcessSpec) -> None:
    """Sends the stop signal, if it still runs."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(spec.stop_signal)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills the program and whatever it started within its session's group, then reaps it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()


def stop(process: subprocess.Popen[bytes], spec: ProcessSpec) -> int:
    """Ends the program: asked first, killed after `stop_seconds`. Blocks. Returns its exit status."""
    ask_to_stop(process, spec)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(spec.stop_seconds)
    kill_group(process)
    return process.returncode


def wait_until(condition: Callable[[], bool], seconds: float, process: subprocess.Popen[bytes]) -> bool:
    """Polls until the condition holds. Blocks. False when time is up or the process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return False
