"""Keeps processes running: watches each, brings the dead back, stops all in order."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from subprocess import Popen

import psutil
import structlog

from munshi.embedded.processes import ProcessSpec, ask_to_stop, kill_group, start
from munshi.embedded.room import Room
from munshi.embedded.state import ProcessState
from munshi.errors import UserMistake
from munshi.provision.loopback import call

_log = structlog.get_logger()

_WATCH_SECONDS = 0.05
"""A dead child is noticed this soon."""
_PROBE_SECONDS = 0.5
"""Readiness is looked at this often; of a process that starts, ten times as often."""
_ROOM_SECONDS = 0.5
"""The disk is looked at this often."""
_SETTLED_SECONDS = 5.0
"""A process that lived this long did not die of its start: the next back-off begins anew."""
_FIRST_DELAY = 0.05
_MAX_DELAY = 15.0
_STUCK_SECONDS = 30.0
"""A process that was ready and has not answered for so long is killed and started again."""

Probe = Callable[[], Awaitable[bool]]


def http_probe(port: int, path: str = "/readyz") -> Probe:
    """Asks for 200 at a loopback address."""
    return plain_probe(lambda: call(f"http://127.0.0.1:{port}{path}", seconds=2.0)[0] == 200)


def plain_probe(condition: Callable[[], bool]) -> Probe:
    """A condition that may block for a moment."""
    return lambda: asyncio.to_thread(condition)


@dataclass
class Supervised:
    """One process that must run."""

    spec: ProcessSpec
    ready_probe: Probe
    alive_probe: Probe | None = None
    """Answers as long as the process makes progress; absent: being there is enough."""
    metrics: str | None = None
    needed: bool = True
    """Whether the platform is less than ready without it."""
    room: Room | None = None
    """The disk that it writes to; absent: only its log."""
    again: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: what kept it from running is over, it is started without further delay."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    process: "Popen[bytes] | None" = None
    started: float | None = None
    restarts: int = 0
    failures: int = 0
    """Deaths in a row, each soon after the start."""
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)

    def kill(self) -> None:
        """Ends it at once; it is started anew."""
        if self.process is not None:
            kill_group(self.process)

    def state(self) -> ProcessState:
        """For `munshi status`."""
        running = self.process is not None and self.process.returncode is None
        return ProcessState(
            name=self.spec.name,
            pid=self.process.pid if running and self.process else None,
            started=self.started,
            ready=self.ready.is_set(),
            restarts=self.restarts,
            metrics=self.metrics,
            needed=self.needed,
            problem=self.room.problem if self.room else None,
        )


class Supervisor:
    """Runs in the main thread's event loop: children are bound to the life of the thread they came from."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._stopping = False
        self.members: list[Supervised] = []

    def add(self, member: Supervised) -> Supervised:
        """Starts it and keeps it running from now on."""
        self.members.append(member)
        member.tasks.append(asyncio.create_task(self._keep(member), name=f"keep {member.spec.name}"))
        if member.room is not None:
            mind = self._mind_room(member, member.room)
            member.tasks.append(asyncio.create_task(mind, name=f"room of {member.spec.name}"))
        return member

    async def wait_ready(self, members: Sequence[Supervised], seconds: float) -> None:
        """Waits until all are ready.

        Raises:
            UserMistake: one is not, or keeps dying; says where its log is.
        """
        deadline = time.monotonic() + seconds
        for member in members:
            while not member.ready.is_set():
                if member.failures >= 4 or time.monotonic() > deadline:
                    raise UserMistake(_not_ready(member))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(member.ready.wait(), 0.2)

    async def stop(self, order: Sequence[str]) -> None:
        """Ends all, in the order of their names; what is not named goes first."""
        self._stopping = True
        last = len(order)
        rank = {name: position for position, name in enumerate(order)}
        for member in sorted(self.members, key=lambda one: rank.get(one.spec.name, -last)):
            await self._end(member)
        self.members.clear()

    async def _end(self, member: Supervised) -> None:
        for task in member.tasks:
            task.cancel()
        await asyncio.gather(*member.tasks, return_exceptions=True)
        process = member.process
        if process is None:
            return
        ask_to_stop(process, member.spec)
        deadline = time.monotonic() + member.spec.stop_seconds
        while process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110 (a child has no event)
            await asyncio.sleep(_WATCH_SECONDS / 5)
        if process.poll() is None:
            _log.warning("stopped_by_force", process=member.spec.name)
        kill_group(process)
        _log.info("process_stopped", process=member.spec.name, status=process.returncode)
        member.ready.clear()
        self._on_change()

    async def _keep(self, member: Supervised) -> None:
        while not self._stopping:
            born = time.monotonic()
            member.again.clear()
            if self._start(member):
                probe = asyncio.create_task(self._probe(member))
                try:
                    await _ended(member)
                finally:
                    probe.cancel()
                    await asyncio.gather(probe, return_exceptions=True)
            member.ready.clear()
            settled = time.monotonic() - born > _SETTLED_SECONDS
            member.failures = 1 if settled else member.failures + 1
            member.restarts += 1
            self._on_change()
            delay = min(_FIRST_DELAY * 2 ** (member.failures - 1), _MAX_DELAY)
            _log.warning("process_died", process=member.spec.name, delay=delay, deaths=member.restarts)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(member.again.wait(), delay)

    async def _mind_room(self, member: Supervised, room: Room) -> None:
        """Tells when the disk is full. When it has room again, what cannot work is started anew at once: it
        waits for its back-off, or failed to write and will not try again by itself, as NATS."""
        while True:
            if await asyncio.to_thread(room.look):
                if room.full:
                    _log.error("disk_full", process=member.spec.name, problem=room.problem)
                else:
                    _log.info("disk_has_room", process=member.spec.name, free_bytes=room.free)
                    if not member.ready.is_set():
                        member.again.set()
                        if member.alive_probe is not None:
                            member.kill()
                self._on_change()
            await asyncio.sleep(_ROOM_SECONDS)

    def _start(self, member: Supervised) -> bool:
        try:
            member.process = start(member.spec)
        except OSError as error:
            _log.error("process_not_started", process=member.spec.name, reason=str(error))
            return False
        with contextlib.suppress(psutil.Error):
            member.started = psutil.Process(member.process.pid).create_time()
        self._on_change()
        return True

    async def _probe(self, member: Supervised) -> None:
        """Keeps `ready` true to the facts, and ends a process that no longer makes progress."""
        last_alive: float | None = None
        interval = _PROBE_SECONDS / 10
        while True:
            if await member.ready_probe() != member.ready.is_set():
                (member.ready.clear if member.ready.is_set() else member.ready.set)()
                self._on_change()
            if member.ready.is_set():
                last_alive, interval = time.monotonic(), _PROBE_SECONDS
            elif last_alive is not None:
                last_alive = await self._still_alive(member, last_alive)
            await asyncio.sleep(interval)

    async def _still_alive(self, member: Supervised, last_alive: float) -> float:
        if member.alive_probe is None or await member.alive_probe():
            return time.monotonic()
        if time.monotonic() - last_alive > _STUCK_SECONDS and member.process is not None:
            _log.error("process_stuck", process=member.spec.name)
            kill_group(member.process)
        return last_alive


async def _ended(member: Supervised) -> None:
    process = member.process
    while process is not None and process.poll() is None:  # noqa: ASYNC110 (a child has no event)
        await asyncio.sleep(_WATCH_SECONDS)
    if process is not None:
        kill_group(process)


def _not_ready(member: Supervised) -> str:
    what = "keeps dying" if member.failures else "does not become ready"
    lines = [line for line in member.spec.log.read_text(errors="replace").splitlines() if line.strip()]
    last = f"; its last words: {lines[-1][:300]}" if lines else ""
    return f"{member.spec.name} {what}; see its log {member.spec.log}{last}"
