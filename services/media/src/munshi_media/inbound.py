"""One inbound file: fetched, checked, kept, made fit for reading, read. Asked again, it goes on from there.

What is done is in the store (`munshi_media.records`), so a crash at any point loses and doubles nothing:
bytes are kept before the record names them, and the record is kept before an engine sees them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from munshi.contracts.media import MediaAnswer, ReadRequest, Refusal, Stage, Stored
from munshi.errors import Permanent, Retryable
from munshi.files.kinds import FileRefused
from munshi.objects import TenantObjects
from munshi.shares import FairShare
from munshi.tenants import Tenant
from munshi_media.examine import Bounds, Examined, cheap, examine
from munshi_media.failing import ENGINE_AWAY, NotNow
from munshi_media.fetch import Fetcher, Order
from munshi_media.limits import inbound_limit
from munshi_media.reading import Material, Reader
from munshi_media.received import Received
from munshi_media.records import Record, load, mark, object_key, record_key, save
from munshi_media.settings import MediaSettings
from munshi_media.watch import Watch
from munshi_media.workers import Workers

_log = structlog.get_logger()

_TRY_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class InboundParts:
    """What it is made of."""

    settings: MediaSettings
    fetcher: Fetcher
    workers: Workers
    reader: Reader
    fetching: FairShare
    reading: FairShare
    spool: Path


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, with what it is worked on."""

    request: ReadRequest
    tenant: Tenant
    token: Callable[[], str]
    """The tenant's access token of the moment."""
    objects: TenantObjects
    watch: Watch

    @property
    def record(self) -> str:
        """Where its record lies."""
        return record_key(self.request.message_id, self.request.media_id)


class Inbound:
    """The verb `read`."""

    def __init__(self, parts: InboundParts) -> None:
        self._parts = parts
        self._bounds = Bounds(parts.settings.max_pixels, parts.settings.max_pages)

    async def read(self, asked: Asked) -> MediaAnswer:
        """Works on a file until it is read, refused or only kept.

        Raises:
            Retryable: not now; what was done stays done.
        """
        with Received(self._parts.spool) as received:
            record = await load(asked.objects, asked.record)
            if record is None:
                record = await self.keep(asked, received)
            if record.phase == "done":
                return record.answer
            return await self._understand(asked, record, received)

    async def keep(self, asked: Asked, received: Received) -> Record:
        """Fetches, checks and stores the bytes. A refused file is not stored; that it was refused is."""
        parts, request = self._parts, asked.request
        asked.watch.stage = Stage.FETCHING
        most = inbound_limit(request.media_type, asked.tenant.spec.limits.media_megabytes)
        order = Order(request, asked.tenant.spec.whatsapp.graph_version, asked.token, most)
        try:
            async with parts.fetching.place(request.tenant):
                await self._bytes(order, asked.objects, received)
                examined = await self._examined(received, request)
                record = await self._store(asked, received, examined)
        except FileRefused as refused:
            record = Record(phase="done", answer=_refusal(refused))
        await save(asked.objects, asked.record, record)
        return record

    async def _bytes(self, order: Order, objects: TenantObjects, received: Received) -> None:
        """From the store where these bytes came before, a crash ago or in another message; else from Meta."""
        if order.sha256 is not None:
            key = object_key(order.sha256)
            held = await objects.find(key)
            if held is not None and held.size <= order.most:
                async for piece in objects.read(key):
                    await received.add(piece)
                if received.sha256 == order.sha256:
                    return
                received.clear()  # the store's disk lies: the bytes are written anew
        await self._parts.fetcher.fetch(order, received)

    async def _examined(self, received: Received, request: ReadRequest) -> Examined:
        content = received.content
        arguments = (content, request.media_type, request.mime_type, self._bounds)
        if cheap(content):
            return examine(*arguments)
        return await self._parts.workers.run(examine, *arguments)

    async def _store(self, asked: Asked, received: Received, examined: Examined) -> Record:
        stored = Stored(
            key=object_key(received.sha256),
            sha256=received.sha256,
            mime_type=examined.mime_type,
            size=received.size,
        )
        await mark(asked.objects, asked.record, stored)
        # Written again even where it is there: retention counts from the last message that brought it.
        await asked.objects.put(stored.key, received.content, stored.mime_type)
        phase = "kept" if examined.readable else "done"
        return Record(phase=phase, answer=MediaAnswer(original=stored))

    async def _understand(self, asked: Asked, record: Record, received: Received) -> MediaAnswer:
        original = record.answer.original
        assert original is not None  # noqa: S101 - a kept record has one
        asked.watch.stage = Stage.READING
        if not self._parts.reading.free:
            # A thousand that wait must not wait with their bytes in memory; the store has them.
            received.clear()
        async with self._parts.reading.place(asked.request.tenant):
            try:
                material = Material(original, asked.objects, received, self._parts.spool)
                normalised = await self._parts.reader.normalised(material, asked.record)
                record = _with(record, record.answer.model_copy(update={"normalised": normalised}))
                return await self._read(asked, record, material)
            except FileRefused as refused:
                return await self._end(asked, record, refused)
            finally:
                received.clear()

    async def _read(self, asked: Asked, record: Record, material: Material) -> MediaAnswer:
        await self._parts.reader.ready(material)
        failure = "the process died"
        while True:
            if record.tries >= self._parts.settings.read_tries:
                raise FileRefused(Refusal.UNREADABLE, f"the engine fails each time: {failure}")
            record = record.model_copy(update={"tries": record.tries + 1})
            await save(asked.objects, asked.record, record)
            try:
                read = await self._parts.reader.read(material, asked.tenant, asked.watch)
            except FileRefused:
                raise
            except Permanent as error:
                raise FileRefused(_refusal_of(error), f"the engine refuses it: {error}") from None
            except Retryable as error:
                # The engine's trouble, not the file's: not counted.
                await save(asked.objects, asked.record, record.model_copy(update={"tries": record.tries - 1}))
                raise NotNow(ENGINE_AWAY, str(error), max(error.delay, 1.0)) from None
            except Exception as error:  # noqa: BLE001 - an engine of anybody's making, on a stranger's file
                _log.warning("reading_failed", tries=record.tries, reason=type(error).__name__)
                failure = type(error).__name__
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            else:
                answer = record.answer.model_copy(update=read)
                await save(asked.objects, asked.record, Record(phase="done", answer=answer))
                return answer

    async def _end(self, asked: Asked, record: Record, refused: FileRefused) -> MediaAnswer:
        """Kept, and refused. What only lacks an engine is read when it is asked for with one."""
        phase = "kept" if refused.refusal is Refusal.NO_ENGINE else "done"
        kept = _with(record.model_copy(update={"phase": phase}), record.answer)
        answer = record.answer.model_copy(update={"refused": refused.refusal, "detail": str(refused)})
        if phase == "done":
            kept = _with(kept, answer)
        await save(asked.objects, asked.record, kept)
        return answer


def _with(record: Record, answer: MediaAnswer) -> Record:
    return record.model_copy(update={"answer": answer})


def _refusal_of(error: Permanent) -> Refusal:
    """An engine may know why: its reason is then one of ours."""
    return Refusal(error.reason) if error.reason in set(Refusal) else Refusal.UNREADABLE


def _refusal(refused: FileRefused) -> MediaAnswer:
    return MediaAnswer(refused=refused.refusal, detail=str(refused))
