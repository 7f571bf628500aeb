"""Leases of lanes: who owns which partition of a cell's event stream, with a fence."""

from dataclasses import dataclass
from datetime import timedelta

from munshi.contracts.ids import CellName, LaneID, TenantKey
from munshi.contracts.subjects import lane_id
from munshi.db.connection import Pool
from munshi.db.errors import translated
from munshi.db.turns import Fenced


@dataclass(frozen=True, slots=True)
class LaneLease:
    """A lane as a heartbeat finds it. `free`: nobody's, or its worker is no longer alive."""

    lane: LaneID
    partition: int
    worker: str | None
    fence: int
    free: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """Who is alive in a cell and who owns what. Lanes that were never taken are not listed (and free)."""

    workers: tuple[str, ...]
    lanes: tuple[LaneLease, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """The lane is the caller's. `clean`: its last owner gave it back in order."""

    lane: LaneID
    fence: int
    clean: bool


@dataclass(frozen=True, slots=True)
class HeldBy:
    """The lane is another living worker's."""

    worker: str


@dataclass(frozen=True, slots=True)
class PendingConversation:
    """A conversation with something to send."""

    tenant: TenantKey
    conversation_id: int


class Lanes:
    """The lanes of a cell, as one worker sees them.

    `worker` is unique among living workers. A worker that comes back under its old name may take its old
    lanes at once; under a new name it waits until the old lease has run out.
    """

    def __init__(self, pool: Pool, cell: CellName, worker: str) -> None:
        self._pool = pool
        self._cell = cell
        self._worker = worker

    async def heartbeat(self, ttl_seconds: float) -> Survey:
        """Renews this worker's lease by `ttl_seconds` and tells who owns what."""
        with translated():
            found = await self._pool.fetchval(
                "SELECT heartbeat($1, $2, $3)", self._cell, self._worker, timedelta(seconds=ttl_seconds)
            )
        return Survey(tuple(found["workers"]), tuple(LaneLease(**lane) for lane in found["lanes"]))

    async def take(self, partition: int) -> Taken | HeldBy:
        """Takes a lane that is free. From then on nothing of an older owner is written any more; a commit of
        the older owner that is under way is waited for."""
        lane = lane_id(self._cell, partition)
        with translated():
            done = await self._pool.fetchval(
                "SELECT take_lane($1, $2, $3, $4)", self._cell, lane, partition, self._worker
            )
        if done["taken"]:
            return Taken(lane, done["fence"], done["clean"])
        return HeldBy(done["worker"])

    async def release(self, lane: LaneID, fence: int, *, clean: bool) -> bool:
        """Gives a lane back; `False` where it was no longer this worker's."""
        with translated():
            return bool(await self._pool.fetchval("SELECT release_lane($1, $2, $3)", lane, fence, clean))

    async def leave(self) -> None:
        """Ends this worker's lease now. Release its lanes first."""
        with translated():
            await self._pool.execute("SELECT leave($1, $2)", self._cell, self._worker)

    async def pending(self, lane: LaneID, fence: int) -> tuple[PendingConversation, ...] | Fenced:
        """What the lane has to send, of all tenants. Call once after taking it: rows that the older owner was
        sending become `unsettled` by it."""
        with translated():
            found = await self._pool.fetchval("SELECT pending_outbox($1, $2)", lane, fence)
        if found["status"] == "fenced":
            return Fenced()
        return tuple(PendingConversation(**one) for one in found["conversations"])
