"""The composition root: what the orchestrator is made of, and how it begins and ends."""

import gc
import os
import time
from collections.abc import Mapping, Sequence

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from munshi.bus.connection import Connection, serve_cells
from munshi.contracts.assistant import Assistant
from munshi.contracts.ids import CellName
from munshi.contracts.media import READERS, Embedder, EngineInfo
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import Understander
from munshi.errors import UserMistake
from munshi.inference import EngineMissing, InferenceSettings, infos, load_engine, load_understander
from munshi.llm.asking import infos as models_infos
from munshi.llm.metrics import Metrics as ModelMetrics
from munshi.llm.settings import LlmSettings
from munshi.probes import engines_route, serve_probes, served_route
from munshi.registry import TenantDirectory
from munshi.tasks import until_signal
from munshi.telemetry import configure
from munshi.telemetry.spans import Tracing
from munshi_orchestrator import assistants
from munshi_orchestrator.cell import CellService, Shared, opened_pool
from munshi_orchestrator.graph import GraphApi
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.reading import Room
from munshi_orchestrator.settings import OrchestratorSettings
from munshi_orchestrator.silence import forbid_tracing

_log = structlog.get_logger()

_STUCK_SECONDS = 15.0
"""A keeper that did not go round for so long is stuck; a lost database does not stop it from going round."""


def build_assistants(engine: Understander) -> Mapping[AssistantKind, Assistant]:
    """All assistants that this version has."""
    built: dict[AssistantKind, Assistant] = {}
    for kind in AssistantKind:
        try:
            built[kind] = assistants.build(kind, engine)
        except assistants.NotAvailableError:
            _log.info("assistant_not_available", assistant=kind.value)
    return built


def load_embedder(settings: InferenceSettings) -> Embedder | EngineMissing:
    """What memories are compared by; without it facts are found by their keys alone."""
    try:
        found: Embedder = load_engine(READERS["embeddings"], settings)
    except EngineMissing as error:
        _log.warning("no_embeddings", add=error.info.add)
        return error
    return found


class Orchestrator:
    """One worker: all cells of a folder."""

    def __init__(
        self,
        settings: OrchestratorSettings,
        built: Mapping[AssistantKind, Assistant],
        engines: Sequence[object] = (),
        embedder: Embedder | None = None,
    ) -> None:
        """`engines`: those that `/engines` tells of."""
        self._settings = settings
        self._assistants = built
        self._engines = engines
        self._embedder = embedder
        self._metrics = Metrics()
        self.models = ModelMetrics(self._metrics.registry)
        """What every chain of language models of this process counts in."""
        self._directory = TenantDirectory()
        self._cells: dict[CellName, CellService] = {}
        self._room = Room(settings.in_flight)
        self._watch()

    async def run(self) -> None:
        """Serves until cancelled; then ends in an orderly way within the settings' time."""
        settings = self._settings
        graph = GraphApi(settings.graph_url, settings.send_connections, settings.send_seconds)
        shared = Shared(
            settings=settings,
            directory=self._directory,
            assistants=self._assistants,
            embedder=self._embedder,
            graph=graph,
            metrics=self._metrics,
            tracing=Tracing("orchestrator"),
            room=self._room,
        )

        async def session(connection: Connection) -> None:
            await self._serve(shared, connection)

        try:
            async with serve_probes(
                settings.host,
                settings.port,
                self._metrics.registry,
                self.alive,
                self.ready,
                [served_route(self.generation_served), engines_route(self._told)],
            ) as port:
                _log.info("orchestrator_ready", worker=settings.worker_name, port=port)
                await serve_cells(settings.cells_dir, "orchestrator", session)
        finally:
            await graph.close()

    async def _told(self) -> list[EngineInfo]:
        return [*await infos(self._engines), *await models_infos(LlmSettings())]

    async def _serve(self, shared: Shared, connection: Connection) -> None:
        cell = connection.cell
        if cell.database_url is None:
            raise UserMistake(f"cell {cell.name} has no database-url; the orchestrator needs one")
        async with opened_pool(cell.database_url, shared.settings) as pool:
            service = self._cells[cell.name] = CellService(shared, connection, pool)
            try:
                await service.run()
            finally:
                if self._cells.get(cell.name) is service:
                    del self._cells[cell.name]

    @property
    def registry(self) -> CollectorRegistry:
        """All that is scraped."""
        return self._metrics.registry

    def alive(self) -> str | None:
        """What keeps this worker from making progress, if anything."""
        now = time.monotonic()
        stuck = [name for name, cell in self._cells.items() if now - cell.keeper.last_beat > _STUCK_SECONDS]
        return f"stuck: {', '.join(stuck)}" if stuck else None

    def ready(self) -> str | None:
        """What is missing before this worker takes part in the work, if anything."""
        if not self._cells:
            return "no cell"
        missing = [
            name
            for name, cell in self._cells.items()
            if not (self._directory.knows(name) and cell.keeper.leased)
        ]
        return f"waiting: {', '.join(missing)}" if missing else None

    def generation_served(self, key: str) -> int | None:
        """The generation of a tenant that this worker takes part in working for."""
        tenant = self._directory.get(key)
        cell = self._cells.get(tenant.cell) if tenant else None
        return tenant.generation if tenant and cell and cell.keeper.leased else None

    def _watch(self) -> None:
        watch, cells = self._metrics.watch, self._cells
        watch(
            "munshi_lanes", "Lanes that this worker owns.", lambda: sum(c.keeper.held for c in cells.values())
        )
        watch("munshi_queue_events", "Events in memory.", lambda: self._room.held)
        watch("munshi_queue_age_seconds", "Age of the oldest event in memory.", self._oldest)
        watch(
            "munshi_conversations_active",
            "Conversations with events to work on.",
            lambda: sum(reading.conversations for cell in cells.values() for reading in cell.readings()),
        )
        watch(
            "munshi_outbox_conversations",
            "Conversations with something to send.",
            lambda: sum(cell.sending for cell in cells.values()),
        )

    def _oldest(self) -> float:
        arrivals = [r.oldest() for cell in self._cells.values() for r in cell.readings()]
        known = [arrived for arrived in arrivals if arrived is not None]
        return time.monotonic() - min(known) if known else 0.0


async def serve(settings: OrchestratorSettings) -> None:
    """Runs a worker until SIGTERM or SIGINT."""
    inference = InferenceSettings()
    engine = load_understander(settings.engine, inference)
    embedder = load_embedder(inference)
    with_memory = None if isinstance(embedder, EngineMissing) else embedder
    orchestrator = Orchestrator(settings, build_assistants(engine), (engine, embedder), with_memory)
    # Models and libraries stay for good: without this each full collection walks over all of them.
    gc.collect()
    gc.freeze()
    # A turn makes hundreds of objects that refer to each other: collected every few dozen turns rather than
    # several times a turn, which was a seventh of a turn's CPU.
    gc.set_threshold(20_000, 20, 100)
    await until_signal(orchestrator.run())
    _log.info("orchestrator_stopped", worker=settings.worker_name)


def run() -> None:
    """Entry point of `python -m munshi_orchestrator`."""
    forbid_tracing(os.environ)
    settings = OrchestratorSettings()
    configure("orchestrator", settings.log_level)
    uvloop.run(serve(settings))
