"""Everything of one cell, wired: its bus, its store, its tenants, its requests."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import BaseModel

from munshi.bus.connection import Connection
from munshi.contracts.ids import PhoneNumberID, TenantKey
from munshi.contracts.media import (
    DeleteRequest,
    MediaAnswer,
    ReadRequest,
    SignRequest,
    UploadRequest,
    Verb,
    VoiceRequest,
)
from munshi.errors import UserMistake
from munshi.objects import ObjectMissing, ObjectStore
from munshi.registry import Tenant, TenantDirectory, follow_registry
from munshi.shares import FairShare
from munshi.tasks import end
from munshi.telemetry.spans import Tracing
from munshi_media.answering import Answering
from munshi_media.engines import Engines
from munshi_media.erasing import Retention, delete_messages
from munshi_media.failing import UNKNOWN_TENANT, NotNow
from munshi_media.fetch import Fetcher
from munshi_media.graph import MediaGraph
from munshi_media.inbound import Asked, Inbound, InboundParts
from munshi_media.joining import Joining
from munshi_media.metrics import Metrics
from munshi_media.outbound import Outbound, OutboundParts, Outgoing
from munshi_media.reading import Reader
from munshi_media.settings import MediaSettings
from munshi_media.signing import signed_path
from munshi_media.watch import Watch
from munshi_media.workers import Workers

_log = structlog.get_logger()

_LOOK_SECONDS = 0.02
_PROBE_SECONDS = 10.0
"""Requests find out sooner; a bucket charges for each question."""
_AWAY_SECONDS = 1.0


@dataclass(frozen=True)
class Shared:
    """What all cells of this process share."""

    settings: MediaSettings
    directory: TenantDirectory
    graph: MediaGraph
    engines: Engines
    workers: Workers
    reader: Reader
    fetching: FairShare
    reading: FairShare
    metrics: Metrics
    tracing: Tracing
    spool: Path
    base_url: Callable[[], str]
    """Of signed URLs."""


class CellService:
    """The work on one cell, from `run` until it is cancelled."""

    def __init__(self, shared: Shared, connection: Connection) -> None:
        """Raises UserMistake: the cell has no object store."""
        self.cell = connection.cell
        if self.cell.object_store is None:
            raise UserMistake(f"cell {self.cell.name} has no object-store.json; the media service needs one")
        self._shared = shared
        self._connection = connection
        self.store = ObjectStore(self.cell.object_store)
        self.store_up = False
        """Whether the store answered when it was last asked."""
        settings, metrics = shared.settings, shared.metrics
        self._inbound = Inbound(
            InboundParts(
                settings=settings,
                fetcher=Fetcher(shared.graph, metrics, settings.fetch_tries),
                workers=shared.workers,
                reader=shared.reader,
                fetching=shared.fetching,
                reading=shared.reading,
                spool=shared.spool,
            )
        )
        parts = OutboundParts(settings, shared.graph, shared.engines, metrics, shared.spool)
        self._outbound = Outbound(parts)
        self._joining: Joining[MediaAnswer] = Joining()
        self.answering = Answering(
            connection.client, self.cell.name, self._handle, metrics, shared.tracing, settings.waiting
        )

    @property
    def ready(self) -> bool:
        """Whether tenants are known and the store answers."""
        return self._shared.directory.knows(self.cell.name) and self.store_up

    async def run(self) -> None:
        """Works until cancelled."""
        directory, name = self._shared.directory, self.cell.name
        tasks = [asyncio.create_task(follow_registry(self._connection, directory))]
        try:
            tasks.append(asyncio.create_task(self._probe()))
            while not directory.knows(name):  # noqa: ASYNC110 - once, at the start
                await asyncio.sleep(_LOOK_SECONDS)
            retention = Retention(
                self.store,
                lambda: directory.of_cell(name),
                self._shared.metrics,
                self._shared.settings.retention_seconds,
            )
            tasks.append(asyncio.create_task(retention.run()))
            await self.answering.open()
            _log.info("cell_served", cell=name, tenants=len(directory.of_cell(name)))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self.answering.close()
            await self._joining.close()
            await end(*tasks)
            directory.drop_cell(name)

    async def _probe(self) -> None:
        while True:
            try:
                await self.store.probe()
                self.store_up = True
            except Exception as error:  # noqa: BLE001 - whatever it is, it is not there
                if self.store_up:
                    _log.warning("object_store_away", cell=self.cell.name, reason=str(error))
                self.store_up = False
            await asyncio.sleep(_PROBE_SECONDS if self.store_up else _AWAY_SECONDS)

    async def _handle(self, verb: Verb, request: BaseModel, watch: Watch) -> MediaAnswer:
        if isinstance(request, SignRequest):
            return await self._sign(request)
        if isinstance(request, DeleteRequest):
            return await self._delete(request)
        if isinstance(request, ReadRequest):
            key = (verb, request.tenant, request.message_id, request.media_id)
            return await self._joining(key, watch, lambda shown: self._read(request, shown))
        if isinstance(request, UploadRequest | VoiceRequest):
            fields = tuple(request.model_dump().values())
            return await self._joining((verb, *fields), watch, lambda _: self._send(request))
        raise AssertionError(verb)

    async def _delete(self, request: DeleteRequest) -> MediaAnswer:
        tenant = self._tenant(request.tenant)
        # What is being read right now would be written after it was deleted.
        concerned = {(Verb.READ, request.tenant, message_id) for message_id in request.message_ids}
        await self._joining.settled(lambda key: isinstance(key, tuple) and key[:3] in concerned)
        return await delete_messages(self.store.of(tenant.key), request, self._shared.metrics)

    async def _read(self, request: ReadRequest, watch: Watch) -> MediaAnswer:
        tenant = self._tenant(request.tenant)
        objects = self.store.of(tenant.key)
        return await self._inbound.read(Asked(request, tenant, self._token(tenant.key), objects, watch))

    async def _send(self, request: UploadRequest | VoiceRequest) -> MediaAnswer:
        tenant = self._tenant(request.tenant)
        number = PhoneNumberID(request.phone_number_id)
        out = Outgoing(tenant, number, self._token(tenant.key), self.store.of(tenant.key))
        if isinstance(request, VoiceRequest):
            async with self._shared.reading.place(tenant.key):
                return await self._outbound.voice(request, out)
        return await self._outbound.upload(request, out)

    async def _sign(self, request: SignRequest) -> MediaAnswer:
        tenant = self._tenant(request.tenant)
        objects = self.store.of(tenant.key)
        if await objects.find(request.object_key) is None:
            raise ObjectMissing
        url = await objects.sign(request.object_key, request.seconds)
        if url is None:
            path = signed_path(self.cell, tenant.key, request.object_key, request.seconds)
            url = f"{self._shared.base_url()}{path}"
        return MediaAnswer(url=url)

    def _tenant(self, key: TenantKey) -> Tenant:
        tenant = self._shared.directory.get(key)
        if tenant is None or tenant.cell != self.cell.name:
            raise NotNow(UNKNOWN_TENANT, "the cell has no such tenant", 2.0)
        return tenant

    def _token(self, key: TenantKey) -> Callable[[], str]:
        def token() -> str:
            # Looked up each time: a renewed token holds in the middle of a request.
            return self._tenant(key).credentials.access_token.get_secret_value()

        return token
