"""Services as processes of their own: started with an environment, waited for, killed, restarted."""

import http.client
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from munshi.embedded.processes import ProcessSpec, kill_group, start, stop, wait_until
from rig.ports import free_port

_READY_SECONDS = 120.0
_STOP_SECONDS = 60.0
"""Longer than any service gives itself, so that none is killed here in the middle of an orderly stop."""


@dataclass
class Service:
    """One service process. `url` is its base address; `log` what it wrote so far, over all its starts."""

    name: str
    spec: ProcessSpec
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Standard output and error so far."""
        return self.spec.log.read_text(errors="replace") if self.spec.log.exists() else ""

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> "Service":
        """Starts it; does not wait."""
        self.process = start(self.spec)
        return self

    def wait_ready(self, path: str = "/readyz") -> "Service":
        """Waits for a 200 of `/readyz`, or for its end."""
        assert self.process is not None
        if not wait_until(lambda: self.answers(path), _READY_SECONDS, self.process):
            raise AssertionError(f"{self.name} is not ready:\n{self.log[-4000:]}")
        return self

    def answers(self, path: str) -> bool:
        """Whether `path` gives 200 right now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            kill_group(self.process)

    def stop(self) -> int:
        """SIGTERM, then its exit status."""
        assert self.process is not None
        return stop(self.process, self.spec)

    def restart(self) -> "Service":
        """kill -9, a new start on the same port; waits until ready."""
        self.kill()
        return self.start().wait_ready()


@dataclass
class Services:
    """Starts services and ends them all."""

    folder: Path
    running: list[Service] = field(default_factory=list)

    def start(
        self,
        name: str,
        environment: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        module: str | None = None,
        before: Callable[[], None] | None = None,
        python: str = sys.executable,
    ) -> Service:
        """Starts `python -m munshi_<name>` (or `module`) with MUNSHI_PORT and the environment given."""
        port = port or free_port()
        number = sum(service.name == name for service in self.running)
        self.folder.mkdir(parents=True, exist_ok=True)
        spec = ProcessSpec(
            name=name,
            argv=(python, "-P", "-m", module or f"munshi_{name}"),
            log=self.folder / f"{name}-{number}.log",
            environment={"MUNSHI_PORT": str(port), "PYTHONUNBUFFERED": "1", **(environment or {})},
            before=before,
            stop_seconds=_STOP_SECONDS,
        )
        service = Service(name, spec, port)
        self.running.append(service)
        return service.start()

    def stop_all(self) -> None:
        """Kills whatever still runs, the last first."""
        for service in reversed(self.running):
            service.kill()


def alive(pid: int) -> bool:
    """Whether a process of this number runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
