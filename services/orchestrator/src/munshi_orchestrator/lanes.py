"""Which lanes of a cell this worker owns: heartbeat, fair share with the other workers, handing over.

A lease says who should work on a lane; the fence number, checked by each commit, makes sure of it. Losing
the heartbeat for as long as the lease lasts means that others may own the lanes: all work on them ends at
once, and whatever still tries to commit is refused.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from munshi.cells import Cell
from munshi.contracts.subjects import lane_id
from munshi.db.lanes import LaneLease, Lanes, Taken
from munshi.errors import MunshiError
from munshi.tasks import end
from munshi_orchestrator.passing import PASSING
from munshi_orchestrator.reading import LaneGrant
from munshi_orchestrator.sharing import LaneView, fair_share, to_release, to_take

_log = structlog.get_logger()


class HeldLane(Protocol):
    """The work on one lane."""

    async def run(self) -> None:
        """Works until cancelled or handed over."""
        ...

    async def hand_over(self, deadline: float) -> bool:
        """Begins nothing new, finishes what is in work within `deadline` seconds; whether all was
        finished."""
        ...

    async def tick(self) -> None:
        """Called with each heartbeat."""
        ...


@dataclass(slots=True)
class _Holding:
    grant: LaneGrant
    lane: HeldLane
    work: asyncio.Task[None]
    leaving: asyncio.Task[None] | None = None


class LaneKeeper:
    """Keeps this worker's lanes of one cell."""

    def __init__(
        self,
        cell: Cell,
        leases: Lanes,
        worker: str,
        make: Callable[[LaneGrant], HeldLane],
        times: "LeaseTimes",
    ) -> None:
        self._cell = cell
        self._leases = leases
        self._worker = worker
        self._make = make
        self._times = times
        self._held: dict[int, _Holding] = {}
        self._ending: dict[int, asyncio.Task[None]] = {}
        """Lanes that were lost and whose work has not ended yet."""
        self._valid_until = 0.0
        self._closing = False
        self.last_beat = time.monotonic()
        """When the keeper last went round, whether the database answered or not."""

    @property
    def held(self) -> int:
        """Lanes this worker owns."""
        return len(self._held)

    def owns(self, partition: int) -> bool:
        """Whether a lane is this worker's."""
        return partition in self._held and self.leased

    @property
    def leased(self) -> bool:
        """Whether the lease still lasts, by this machine's monotonic clock."""
        return time.monotonic() < self._valid_until

    async def run(self) -> None:
        """Beats until cancelled; then nothing is given back (see `close`)."""
        while True:
            began = time.monotonic()
            await self._beat(began)
            self.last_beat = time.monotonic()
            await asyncio.sleep(max(0.0, self._times.heartbeat - (self.last_beat - began)))

    async def close(self, deadline: float) -> None:
        """Hands all lanes over, while the heartbeat goes on; at most `deadline` seconds."""
        self._closing = True
        beating = asyncio.create_task(self.run())
        try:
            leaving = [self._leave(partition, deadline) for partition in list(self._held)]
            await asyncio.gather(*leaving, return_exceptions=True)
            async with asyncio.timeout(self._times.lease):
                await self._leases.leave()
        except (MunshiError, TimeoutError, *PASSING) as error:
            _log.warning("leave_failed", cell=self._cell.name, reason=type(error).__name__)
        finally:
            await end(beating)
            await self._drop(list(self._held), "closing")
            await asyncio.gather(*self._ending.values())

    async def _beat(self, began: float) -> None:
        try:
            async with asyncio.timeout(self._times.lease / 2):
                survey = await self._leases.heartbeat(self._times.lease)
            self._valid_until = began + self._times.lease
            await self._balance(survey.workers, {lane.partition: lane for lane in survey.lanes})
        except (MunshiError, TimeoutError, *PASSING) as error:
            _log.warning("heartbeat_failed", cell=self._cell.name, reason=type(error).__name__)
        if not self.leased and self._held:
            await self._drop(list(self._held), "lease ran out")
        for holding in list(self._held.values()):
            await holding.lane.tick()

    async def _balance(self, workers: Sequence[str], lanes: dict[int, LaneLease]) -> None:
        staying = {partition: held for partition, held in self._held.items() if not held.leaving}
        for partition, holding in staying.items():
            if holding.work.done():
                await self._drop([partition], "ended")
            elif partition in lanes and lanes[partition].fence != holding.grant.fence:
                await self._drop([partition], "taken by another")
        if self._closing:
            return
        share = fair_share(self._cell.partitions, workers, self._worker)
        owned = [partition for partition, holding in self._held.items() if not holding.leaving]
        for partition in to_release(owned, share):
            self._leave(partition, self._times.hand_over)
        self._ending = {partition: task for partition, task in self._ending.items() if not task.done()}
        for view in to_take(self._views(lanes), len(self._held), share):
            await self._take(view)
        await self._give_up_leftovers(lanes)

    async def _give_up_leftovers(self, lanes: dict[int, LaneLease]) -> None:
        """Lanes that stand under this worker's name and are not its: of a predecessor that owned more, or
        given back while the database was away. Nobody else can take them as long as this worker lives."""
        for partition, lane in lanes.items():
            if lane.worker == self._worker and partition not in self._held:
                await self._leases.release(lane.lane, lane.fence, clean=False)

    def _views(self, lanes: dict[int, LaneLease]) -> list[LaneView]:
        views = []
        for partition in range(self._cell.partitions):
            state = lanes.get(partition)
            free = state is None or state.free or state.worker == self._worker
            views.append(
                LaneView(lane_id(self._cell.name, partition), partition, free and not self._busy(partition))
            )
        return views

    def _busy(self, partition: int) -> bool:
        return partition in self._held or partition in self._ending

    async def _take(self, view: LaneView) -> None:
        taken = await self._leases.take(view.partition)
        if not isinstance(taken, Taken):
            return
        fence = taken.fence
        grant = LaneGrant(
            cell=self._cell.name,
            lane=view.lane,
            partition=view.partition,
            fence=fence,
            clean=taken.clean,
            lasts=lambda: self.leased and self._has(view.partition, fence),
            lose=lambda: self._lose(view.partition, fence),
        )
        lane = self._make(grant)
        work = asyncio.create_task(lane.run(), name=f"lane {view.lane}")
        self._held[view.partition] = _Holding(grant, lane, work)
        _log.info("lane_taken", lane=view.lane, fence=taken.fence, clean=taken.clean)

    def _has(self, partition: int, fence: int) -> bool:
        holding = self._held.get(partition)
        return holding is not None and holding.grant.fence == fence

    def _lose(self, partition: int, fence: int) -> None:
        """A commit was refused: the lane is another's, so its work ends without waiting for the next beat."""
        holding = self._held.get(partition)
        if holding is None or holding.grant.fence != fence:
            return
        del self._held[partition]
        _log.warning("lane_lost", lane=holding.grant.lane, reason="fenced")
        self._ending[partition] = asyncio.create_task(end(*_tasks(holding)))

    def _leave(self, partition: int, deadline: float) -> asyncio.Task[None]:
        """Begins to hand a lane over, unless that is under way."""
        holding = self._held[partition]
        if holding.leaving is None:
            holding.leaving = asyncio.create_task(self._release(partition, deadline))
        return holding.leaving

    async def _release(self, partition: int, deadline: float) -> None:
        holding = self._held[partition]
        clean = await holding.lane.hand_over(deadline)
        await end(holding.work)
        try:
            await self._leases.release(holding.grant.lane, holding.grant.fence, clean=clean)
        except (MunshiError, *PASSING) as error:
            _log.warning("release_failed", lane=holding.grant.lane, reason=type(error).__name__)
        if self._held.get(partition) is holding:
            del self._held[partition]
        _log.info("lane_released", lane=holding.grant.lane, clean=clean)

    async def _drop(self, partitions: Sequence[int], reason: str) -> None:
        dropped = [self._held.pop(partition) for partition in partitions]
        for holding in dropped:
            _log.warning("lane_lost", lane=holding.grant.lane, reason=reason)
        await end(*(task for holding in dropped for task in _tasks(holding)))


def _tasks(holding: _Holding) -> list[asyncio.Task[None]]:
    return [holding.work, holding.leaving] if holding.leaving else [holding.work]


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds: how long a silent worker keeps its lanes, between heartbeats, and for finishing a lane's
    work."""

    lease: float
    heartbeat: float
    hand_over: float
