"""The composition root: what the media service is made of, and how it begins and ends."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from munshi.bus.connection import Connection, serve_cells
from munshi.contracts.ids import CellName
from munshi.inference import InferenceSettings
from munshi.probes import engines_route, serve_probes, served_route
from munshi.registry import TenantDirectory
from munshi.shares import FairShare
from munshi.tasks import until_signal
from munshi.telemetry import configure
from munshi.telemetry.spans import Tracing
from munshi_media.cell import CellService, Shared
from munshi_media.engines import Engines
from munshi_media.graph import MediaGraph
from munshi_media.metrics import Metrics
from munshi_media.reading import Reader
from munshi_media.settings import MediaSettings
from munshi_media.signing import Opened, objects_route
from munshi_media.workers import Workers

_log = structlog.get_logger()


class Media:
    """One media service: all cells of a folder."""

    def __init__(self, settings: MediaSettings, inference: InferenceSettings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._directory = TenantDirectory()
        self._engines = Engines(inference, warm=settings.warm_readers)
        self._inference = inference
        self._fetching, self._reading = FairShare(settings.fetches), FairShare(settings.readings)
        self._cells: dict[CellName, CellService] = {}
        self._port = settings.port
        self._watch()

    async def run(self) -> None:
        """Serves until cancelled."""
        settings = self._settings
        with _spool(settings.spool_dir) as spool:
            workers = Workers(settings.workers, settings.convert_seconds)
            graph = MediaGraph(settings)
            self._engines.start()
            shared = self._shared(graph, workers, spool)
            try:
                routes = [
                    engines_route(self._engines.infos),
                    served_route(self.generation_served),
                    objects_route(self._find),
                ]
                probes = (self._metrics.registry, self.alive, self.ready, routes)
                async with serve_probes(settings.host, settings.port, *probes) as port:
                    self._port = port
                    _log.info("media_ready", port=port)
                    await serve_cells(
                        settings.cells_dir, "media", lambda connection: self._serve(shared, connection)
                    )
            finally:
                await graph.close()
                workers.close()
                await self._engines.close()

    def _shared(self, graph: MediaGraph, workers: Workers, spool: Path) -> Shared:
        settings, metrics = self._settings, self._metrics
        return Shared(
            settings=settings,
            directory=self._directory,
            graph=graph,
            engines=self._engines,
            workers=workers,
            reader=Reader(
                settings,
                self._engines,
                workers,
                metrics,
                longest_seconds=self._inference.speech_longest_seconds,
                by_url=bool(self._inference.triton_url),
            ),
            fetching=self._fetching,
            reading=self._reading,
            metrics=metrics,
            tracing=Tracing("media"),
            spool=spool,
            base_url=lambda: settings.public_url.rstrip("/") or f"http://127.0.0.1:{self._port}",
        )

    async def _serve(self, shared: Shared, connection: Connection) -> None:
        service = CellService(shared, connection)
        name = service.cell.name
        self._cells[name] = service
        try:
            await service.run()
        finally:
            if self._cells.get(name) is service:
                del self._cells[name]

    @property
    def registry(self) -> CollectorRegistry:
        """All that is scraped."""
        return self._metrics.registry

    def alive(self) -> str | None:
        """That it answers at all shows that the loop comes round."""
        return None

    def ready(self) -> str | None:
        """What is missing before requests are taken, if anything."""
        if not self._cells:
            return "no cell"
        missing = [name for name, cell in self._cells.items() if not cell.ready]
        return f"waiting: {', '.join(missing)}" if missing else None

    def _find(self, name: CellName) -> Opened | None:
        service = self._cells.get(name)
        return (service.cell, service.store) if service else None

    def generation_served(self, key: str) -> int | None:
        """The generation of a tenant's settings that holds here."""
        tenant = self._directory.get(key)
        return tenant.generation if tenant and tenant.cell in self._cells else None

    def _watch(self) -> None:
        watch, cells = self._metrics.watch, self._cells
        watch(
            "munshi_media_working",
            "Requests at work.",
            lambda: sum(cell.answering.working for cell in cells.values()),
        )
        watch(
            "munshi_media_fetches_waiting", "Files that wait to be fetched.", lambda: self._fetching.waiting
        )
        watch("munshi_media_readings_waiting", "Files that wait to be read.", lambda: self._reading.waiting)
        watch(
            "munshi_media_stores_up",
            "Cells whose object store answers.",
            lambda: sum(cell.store_up for cell in cells.values()),
        )


@contextmanager
def _spool(folder: Path | None) -> Iterator[Path]:
    """A fresh folder, gone at the end. What an earlier life left in a given one is nobody's any more."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.glob("munshi-media-*") if folder else ():
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="munshi-media-", dir=folder, ignore_cleanup_errors=True) as made:
        yield Path(made)


async def serve(settings: MediaSettings, inference: InferenceSettings) -> None:
    """Runs until SIGTERM or SIGINT."""
    await until_signal(Media(settings, inference).run())
    _log.info("media_stopped")


def run() -> None:
    """Entry point of `python -m munshi_media`."""
    settings = MediaSettings()
    configure("media", settings.log_level)
    uvloop.run(serve(settings, InferenceSettings()))
