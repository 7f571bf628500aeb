"""Everything of one cell, wired: its connection, database, tenants, lanes, turns and sends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import structlog

from munshi.bus.connection import Connection
from munshi.contracts.assistant import Assistant
from munshi.contracts.ids import TenantKey
from munshi.contracts.media import Embedder
from munshi.contracts.tenant import AssistantKind
from munshi.db.connection import Pool, open_pool
from munshi.db.dead_letters import Graveyard
from munshi.db.erasures import Erasures
from munshi.db.errors import translated
from munshi.db.lanes import Lanes
from munshi.db.outbox import ClaimRules, Outbox
from munshi.db.turns import Turns
from munshi.registry import Tenant, TenantDirectory, follow_registry
from munshi.tasks import end
from munshi.telemetry.spans import Tracing
from munshi_orchestrator.barrier import Barrier
from munshi_orchestrator.batching import Batcher
from munshi_orchestrator.chores import CHORE_PARTITION, Chores, retain
from munshi_orchestrator.dead import DeadMover
from munshi_orchestrator.erasing import Erasing
from munshi_orchestrator.failures import Tries
from munshi_orchestrator.files import FilePatience, Files
from munshi_orchestrator.graph import GraphApi
from munshi_orchestrator.handling import Handling, HandlingParts
from munshi_orchestrator.lane_work import LaneWork
from munshi_orchestrator.lanes import LaneKeeper, LeaseTimes
from munshi_orchestrator.media import MediaClient
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.number_rate import NumberRates
from munshi_orchestrator.outbox import Sender, SenderParts
from munshi_orchestrator.passing import PASSING
from munshi_orchestrator.pauses import Pauses
from munshi_orchestrator.pending import Pending
from munshi_orchestrator.reading import LaneGrant, Reading, Room
from munshi_orchestrator.settings import OrchestratorSettings
from munshi_orchestrator.speaking import Speaking
from munshi_orchestrator.statuses import Statuses
from munshi_orchestrator.turn import TurnParts, TurnRunner
from munshi_orchestrator.unsettled import Unsettled

_log = structlog.get_logger()

_RETRY_SECONDS = 0.5
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Shared:
    """What all cells of this process share."""

    settings: OrchestratorSettings
    directory: TenantDirectory
    assistants: Mapping[AssistantKind, Assistant]
    embedder: Embedder | None
    graph: GraphApi
    metrics: Metrics
    tracing: Tracing
    room: Room


class CellService:
    """The work on one cell, from `run` until it is cancelled."""

    def __init__(self, shared: Shared, connection: Connection, pool: Pool) -> None:
        settings, cell = shared.settings, connection.cell
        self._shared = shared
        self._connection = connection
        self._cell = cell
        outbox, lanes = Outbox(pool), Lanes(pool, cell.name, settings.worker_name)
        graveyard, turns = Graveyard(pool), Turns(pool)
        rates = NumberRates(outbox, settings.number_rate)
        self._settle = Batcher(outbox.settle)
        media = MediaClient(connection.client, cell.name, settings.media_silence_seconds)
        patience = FilePatience(settings.media_seconds, settings.announce_seconds)
        pending = Pending(connection.client, cell.name)
        claims = ClaimRules(settle_after_seconds=settings.settle_after_seconds)
        self._unsettled = Unsettled(cell.name, pending, claims)
        self._sender = Sender(
            SenderParts(
                outbox=outbox,
                lanes=lanes,
                directory=shared.directory,
                graph=shared.graph,
                speaking=Speaking(media, settings.voice_seconds, shared.metrics),
                settle=self._settle,
                unsettled=self._unsettled,
                pauses=Pauses(outbox, shared.directory, settings.pause_retry_seconds),
                rates=rates,
                metrics=shared.metrics,
                tracing=shared.tracing,
            )
        )
        self._statuses = Statuses(outbox, self._sender.look_again, shared.metrics)
        self._turns = TurnRunner(
            TurnParts(
                partitions=cell.partitions,
                pool=pool,
                turns=turns,
                barrier=Barrier(pending),
                sender=self._sender,
                files=Files(media, patience, shared.metrics),
                rates=rates,
                assistants=shared.assistants,
                embedder=shared.embedder,
                metrics=shared.metrics,
                tracing=shared.tracing,
                concurrent=settings.concurrent_turns,
            )
        )
        self._handling = Handling(
            HandlingParts(
                directory=shared.directory,
                turns=self._turns,
                tries=Tries(graveyard, shared.metrics, settings.turn_tries),
                statuses=self._statuses,
                graveyard=graveyard,
                graph=shared.graph,
                metrics=shared.metrics,
                tracing=shared.tracing,
                typing_seconds=settings.typing_seconds,
                heard=self._unsettled.heard,
            )
        )
        self._lanes: set[LaneWork] = set()
        self.keeper = LaneKeeper(
            cell,
            lanes,
            settings.worker_name,
            self._lane,
            LeaseTimes(settings.lease_seconds, settings.heartbeat_seconds, settings.stop_seconds / 2),
        )
        self._chores = Chores(
            lambda: retain(pool, shared.directory, cell.name, settings.retention_seconds),
            DeadMover(connection, graveyard, shared.metrics).run,
            Erasing(Erasures(pool), media, settings.erase_seconds, shared.metrics).run,
        )
        connection.on_return(self._on_bus_return)
        shared.directory.on_change(self._on_tenant)

    async def run(self) -> None:
        """Works until cancelled, then hands its lanes over in an orderly way."""
        registry = asyncio.create_task(follow_registry(self._connection, self._shared.directory))
        working: list[asyncio.Task[None]] = []
        try:
            while not self._shared.directory.knows(self._cell.name):  # noqa: ASYNC110 - once, at the start
                await asyncio.sleep(_LOOK_SECONDS)
            _log.info(
                "cell_served",
                cell=self._cell.name,
                tenants=len(self._shared.directory.of_cell(self._cell.name)),
            )
            working += [asyncio.create_task(self.keeper.run()), asyncio.create_task(self._mind_chores())]
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(*working)
            await self._chores.mind(ours=False)
            await self.keeper.close(self._shared.settings.stop_seconds / 2)
            await self._handling.close()
            await self._turns.close()
            await self._statuses.close()
            await self._sender.close(self._shared.settings.stop_seconds / 4)
            await self._settle.close()
            await end(registry)
            self._shared.directory.drop_cell(self._cell.name)

    def readings(self) -> list[Reading]:
        """All readings under way, for figures."""
        return [work.reading for work in self._lanes if work.reading is not None]

    @property
    def sending(self) -> int:
        """Conversations with something to send."""
        return self._sender.conversations

    async def _mind_chores(self) -> None:
        while True:
            await self._chores.mind(ours=self.keeper.owns(CHORE_PARTITION))
            await asyncio.sleep(1.0)

    def _lane(self, grant: LaneGrant) -> LaneWork:
        settings = self._shared.settings
        work = LaneWork(
            grant,
            lambda own: Reading(
                self._connection.client, own, self._handling, self._shared.room, settings.in_flight_per_lane
            ),
            self._sender,
            self._shared.metrics,
        )
        self._lanes = {lane for lane in self._lanes if not lane.ended} | {work}
        return work

    def _on_bus_return(self) -> None:
        self._unsettled.disturbed()
        for lane in self._lanes:
            lane.doubt("bus returned")

    def _on_tenant(self, key: TenantKey, tenant: Tenant | None) -> None:
        """What was parked for a tenant is read again when the tenant is served (again)."""
        if tenant is None or tenant.cell != self._cell.name or tenant.spec.hibernated:
            return
        for lane in self._lanes:
            if lane.reading is not None and key in lane.reading.parked:
                lane.doubt("tenant served")


@contextlib.asynccontextmanager
async def opened_pool(url: str, settings: OrchestratorSettings) -> AsyncIterator[Pool]:
    """The cell's pool; tries until the database is there."""
    while True:
        try:
            with translated():
                pool = await open_pool(
                    url,
                    name=f"munshi-orchestrator {settings.worker_name}"[:60],
                    size=settings.database_connections,
                )
            break
        except PASSING as error:
            _log.warning("database_away", reason=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            pool.terminate()
