"""What runs: the supervisor writes it, every other command reads it."""

import os
from enum import StrEnum
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from munshi.embedded.data_folder import DataFolder
from munshi.errors import UserMistake
from munshi.provision.key_ring import write_private


class Phase(StrEnum):
    """How far the platform is."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    """Was ready; a process is not, at the moment."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProcessState(_Frozen):
    """One supervised process."""

    name: str
    pid: int | None
    started: float | None = None
    """Unix time by the kernel's account: with the pid it names one process for ever."""
    ready: bool = False
    restarts: int = 0
    metrics: str | None = None
    needed: bool = True
    """Whether the platform is less than ready without it."""
    problem: str | None = None
    """What is wrong beyond being dead, and what to do."""


class Endpoints(_Frozen):
    """Addresses for people and programs."""

    ingress: str
    emulator: str | None = None
    console: str | None = None


class PlatformState(_Frozen):
    """The whole platform. Holds the administrator's DSN: the file is its owner's alone."""

    v: int = 1
    supervisor_pid: int
    supervisor_started: float
    phase: Phase
    step: str = ""
    """What is being done, for a person."""
    error: str | None = None
    endpoints: Endpoints
    graph_url: str
    database_url: str
    nats_url: str
    nats_accounts: bool
    """Whether the server has JWT accounts of our making."""
    processes: tuple[ProcessState, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return same_process(self.supervisor_pid, self.supervisor_started)

    @property
    def ready(self) -> bool:
        """Whether everything is up."""
        return self.alive and self.phase is Phase.READY


def same_process(pid: int, started: float) -> bool:
    """Whether the process that had this number at that start still runs; numbers are used again."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def own_start() -> float:
    """When this process started, by the kernel's account."""
    return psutil.Process(os.getpid()).create_time()


def write_state(path: Path, state: PlatformState) -> None:
    """Replaces the file in one step."""
    write_private(path, state.model_dump_json())


def read_state(data: DataFolder) -> PlatformState | None:
    """What was written last; `None` where nothing was, or an older program's shape."""
    try:
        return PlatformState.model_validate_json(data.state.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def running_state(data: DataFolder) -> PlatformState:
    """The state of the platform that runs on this folder.

    Raises:
        UserMistake: none runs.
    """
    state = read_state(data)
    if state is None or not state.alive:
        raise UserMistake(
            f"no platform runs on {data.root}; start it with `munshi up`, or name another --data"
        )
    return state
