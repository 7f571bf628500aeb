"""A whole platform by `munshi up`, in a folder and on ports of its own; gone after the test in any case."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from munshi.embedded.confinement import Confinement
from rig.ports import free_ports
from rig.waiting import wait_for

EXAMPLES = Path(__file__).parents[2] / "examples"
"""Tenants of the repository's own."""
PORTS = 11
_PATIENT = {"MUNSHI_LEASE_SECONDS": "60"}
"""A worker that a loaded machine lets wait keeps its lanes, and what it was about to send is not in doubt."""
_UP_SECONDS = 240.0
"""Longer than `munshi up` itself waits, so that it says what is wrong."""


@dataclass(frozen=True)
class ProcessID:
    """A process for ever: numbers are used again, number and start together are not."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessID":
        """Of a running process."""
        return cls(pid, psutil.Process(pid).create_time())

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@dataclass
class PlatformRig:
    """`munshi` on one data folder."""

    data: Path
    port: int = field(default_factory=lambda: free_ports(PORTS))
    confinement: Confinement = field(default_factory=Confinement)
    environment: dict[str, str] = field(default_factory=lambda: {"MUNSHI_TRITON_HOME": ""})
    """Beside this process's own; Triton is not started unless a test asks for it."""
    supervisor: "subprocess.Popen[str] | None" = None
    _seen: set[ProcessID] = field(default_factory=set)

    @property
    def ingress(self) -> str:
        """Address of ingress."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def emulator(self) -> str:
        """Address of the emulator."""
        return f"http://127.0.0.1:{self.port + 1}"

    def _command(self, arguments: Sequence[str]) -> list[str]:
        argv = (sys.executable, "-m", "munshi.cli", *arguments)
        # Bound to this test process: a killed test leaves no platform behind.
        return self.confinement.command(argv, parent=os.getpid(), death_signal=signal.SIGTERM)

    def munshi(
        self, *arguments: str, stdin: str | None = None, timeout: float = 240.0
    ) -> "subprocess.CompletedProcess[str]":
        """Runs one command on this data folder."""
        return subprocess.run(
            self._command([*arguments, "--data", str(self.data)]),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env={**os.environ, **_PATIENT, **self.environment},
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """`munshi up` in the foreground; does not wait."""
        self._forget_last()
        self.supervisor = subprocess.Popen(
            self._command(["up", "--data", str(self.data), "--port", str(self.port), *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **_PATIENT, **self.environment},
            start_new_session=True,
        )
        return self.supervisor

    def _forget_last(self) -> None:
        if self.supervisor is not None:
            assert self.supervisor.poll() is not None, "it still runs"
            if self.supervisor.stdout is not None:
                self.supervisor.stdout.close()

    def up(self, *arguments: str) -> "PlatformRig":
        """`munshi up`, and waits until it is ready."""
        process = self.start(*arguments)

        def ready() -> bool:
            if process.poll() is not None:
                assert process.stdout is not None
                raise AssertionError(f"munshi up ended with {process.returncode}:\n{process.stdout.read()}")
            return bool(self.status()["ready"])

        wait_for(ready, "the platform is ready", _UP_SECONDS)
        return self

    def down(self) -> None:
        """`munshi down`, whether it runs or not; all of it is gone afterwards."""
        done = self.munshi("down")
        assert done.returncode == 0, done.stdout + done.stderr
        if self.supervisor is not None:
            self.supervisor.wait(120)

    def status(self) -> dict[str, Any]:
        """`munshi status --json`, without the cost of a process for each look."""
        from munshi.cli.status import report_of
        from munshi.embedded.data_folder import DataFolder
        from munshi.embedded.state import read_state

        folder = DataFolder(self.data)
        state = read_state(folder)
        alive = state if state is not None and state.alive else None
        report = report_of(folder, alive)
        if alive is not None:
            self._note(ProcessID(alive.supervisor_pid, alive.supervisor_started))
        for process in report["processes"]:
            if process["pid"]:
                self._note_pid(process["pid"])
        return report

    def _note_pid(self, pid: int) -> None:
        try:
            self._note(ProcessID.of(pid))
        except psutil.Error:
            return

    def _note(self, process: ProcessID) -> None:
        self._seen.add(process)

    def process(self, name: str) -> dict[str, Any]:
        """One process of the status."""
        (found,) = [one for one in self.status()["processes"] if one["name"] == name]
        return dict(found)

    def supervisor_id(self) -> ProcessID:
        """The process that supervises, as it says itself."""
        state = json.loads((self.data / "platform.json").read_text())
        return ProcessID(state["supervisor_pid"], state["supervisor_started"])

    def family(self) -> set[ProcessID]:
        """The supervisor and all that descends from it, right now."""
        top = psutil.Process(self.supervisor_id().pid)
        found = {ProcessID(top.pid, top.create_time())}
        for child in top.children(recursive=True):
            try:
                found.add(ProcessID(child.pid, child.create_time()))
            except psutil.Error:
                continue
        self._seen |= found
        return found

    def end(self) -> None:
        """Ends whatever of it still runs."""
        if self.supervisor is not None:
            if self.supervisor.poll() is None:
                self.supervisor.send_signal(signal.SIGTERM)
                try:
                    self.supervisor.wait(60)
                except subprocess.TimeoutExpired:
                    self.supervisor.kill()
                    self.supervisor.wait()
            if self.supervisor.stdout is not None:
                self.supervisor.stdout.close()
        for process in self._seen:
            if process.alive:
                psutil.Process(process.pid).kill()


@contextmanager
def platform_in(data: Path, **settings: Any) -> Iterator[PlatformRig]:
    """A platform that is not started yet; all of it is gone afterwards."""
    rig = PlatformRig(data, **settings)
    try:
        yield rig
    finally:
        rig.end()
