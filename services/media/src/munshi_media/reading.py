"""From kept bytes to what they say: made fit for an engine, given to it, within a deadline."""

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from munshi.contracts.media import FileRef, ReadHints, Stored
from munshi.contracts.tenant import WhatsAppTenantSpec
from munshi.files.kinds import Family, family
from munshi.files.pictures import normalise
from munshi.files.sounds import RATE, speech_wav
from munshi.objects import TenantObjects
from munshi.tenants import Tenant
from munshi_media.engines import Engines
from munshi_media.metrics import Metrics
from munshi_media.received import IN_MEMORY, Received
from munshi_media.records import mark, object_key
from munshi_media.settings import MediaSettings
from munshi_media.watch import Pace, Watch
from munshi_media.workers import Workers

_WAV = "audio/wav"
_BYTES_A_SECOND = RATE * 2
_GRACE_SECONDS = 5.0
"""What an engine may be late with its own word that time is up."""
_PAGE_SECONDS = 1.0
_SOUND_SECONDS = 0.3
"""First guesses: of a page, and of a second of sound."""
_URL_SECONDS = 600


@dataclass
class Material:
    """The bytes of one file, wherever they are at the moment."""

    original: Stored
    objects: TenantObjects
    received: Received
    """As they came from Meta, or empty where they came in an earlier life."""
    spool: Path
    for_engine: Stored | None = None
    """What the engine is given."""
    data: bytes | None = field(default=None, repr=False)
    """The same, where it is in memory."""

    @property
    def family(self) -> Family:
        """Which engine takes it."""
        return family(self.original.mime_type)

    async def content(self, stored: Stored) -> bytes | Path:
        """An object's bytes, or a file of this machine with them."""
        path = self.objects.path(stored.key)
        if path is not None and stored.size > IN_MEMORY:
            return path
        if stored.size <= IN_MEMORY:
            return await self.objects.get(stored.key)
        if self.received.size != stored.size:
            self.received.clear()
            async for piece in self.objects.read(stored.key):
                await self.received.add(piece)
        return self.received.content


class Reader:
    """Normalises and reads."""

    def __init__(
        self,
        settings: MediaSettings,
        engines: Engines,
        workers: Workers,
        metrics: Metrics,
        *,
        longest_seconds: float,
        by_url: bool,
    ) -> None:
        """`longest_seconds`: of a sound that is taken. `by_url`: engines are elsewhere (Triton), so large
        files are given to them as signed URLs."""
        self._settings = settings
        self._engines = engines
        self._workers = workers
        self._metrics = metrics
        self._longest = longest_seconds
        self._by_url = by_url
        self._page = Pace(_PAGE_SECONDS)
        self._sound = Pace(_SOUND_SECONDS)

    async def normalised(self, material: Material, record: str) -> Stored | None:
        """Makes and keeps the form that engines read; a PDF is read as it is.

        Raises:
            FileRefused: too long, malformed, too many pixels; or what would convert it is missing.
            Retryable: the store is away.
        """
        kind = material.family
        if kind is Family.PDF:
            material.for_engine = material.original
            return None
        fresh = material.received.size == material.original.size
        content = material.received.content if fresh else await material.content(material.original)
        if kind is Family.PICTURE:
            picture = await self._workers.run(_normal_picture, content, self._settings.max_pixels)
            return await self._keep(material, record, picture, "image/jpeg")
        with self._scratch(material.spool) as target:
            mime_type = material.original.mime_type
            await self._workers.run(speech_wav, content, mime_type, target, self._longest)
            small = target.stat().st_size <= IN_MEMORY
            wav = await asyncio.to_thread(target.read_bytes) if small else target
            return await self._keep(material, record, wav, _WAV)

    async def ready(self, material: Material) -> None:
        """Raises: FileRefused where no engine takes it."""
        await (self._engines.speech() if material.family is Family.SOUND else self._engines.documents())

    async def read(self, material: Material, tenant: Tenant, watch: Watch) -> dict[str, Any]:
        """What the file says, as fields of `MediaAnswer`.

        Raises:
            TimeoutError: the engine does not come to an end.
            Retryable, Permanent, anything else: what the engine raises.
        """
        stored = material.for_engine
        assert stored is not None  # noqa: S101 - `normalised` came before
        hints = hints_of(tenant, self._settings.read_seconds)
        sound = material.family is Family.SOUND
        pace, units = (self._sound, stored.size / _BYTES_A_SECOND) if sound else (self._page, 1.0)
        watch.expect(pace.expect(units))
        file = await self._file(material, stored)
        began = time.monotonic()
        async with asyncio.timeout(self._settings.read_seconds + _GRACE_SECONDS):
            read: dict[str, Any]
            if sound:
                read = {"transcript": await (await self._engines.speech()).transcribe(file, hints)}
            else:
                read = {"document": await (await self._engines.documents()).read(file, hints)}
        seconds = time.monotonic() - began
        pace.learn(seconds, units)
        self._metrics.read_seconds.labels("speech" if sound else "documents").observe(seconds)
        return read

    async def _file(self, material: Material, stored: Stored) -> FileRef:
        if stored.size <= IN_MEMORY:
            data = material.data if material.data is not None else await material.objects.get(stored.key)
            return FileRef(stored.mime_type, data=data)
        if self._by_url:
            url = await material.objects.sign(stored.key, _URL_SECONDS)
            if url is not None:
                return FileRef(stored.mime_type, url=url)
        content = await material.content(stored)
        if isinstance(content, bytes):
            return FileRef(stored.mime_type, data=content)
        return FileRef(stored.mime_type, path=content)

    async def _keep(self, material: Material, record: str, content: bytes | Path, mime_type: str) -> Stored:
        sha256, size = await asyncio.to_thread(_digest, content)
        stored = Stored(key=object_key(sha256), sha256=sha256, mime_type=mime_type, size=size)
        await mark(material.objects, record, stored)
        await material.objects.put(stored.key, content, mime_type)
        material.for_engine = stored
        material.data = content if isinstance(content, bytes) else None
        return stored

    @contextlib.contextmanager
    def _scratch(self, spool: Path) -> Iterator[Path]:
        path = spool / f"{secrets.token_hex(12)}.wav"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def hints_of(tenant: Tenant, seconds: float) -> ReadHints:
    """What the tenant tells a reader in advance."""
    spec = tenant.spec
    return ReadHints(
        languages=spec.languages,
        currency=_currency(spec),
        today=datetime.now(UTC).astimezone(spec.zone).date(),
        seconds=seconds,
        tenant=tenant.key,
    )


def _currency(spec: WhatsAppTenantSpec) -> str:
    block = spec.ledger or spec.invoices
    return block.currency if block else "INR"


def _normal_picture(content: bytes | Path, max_pixels: int) -> bytes:
    data = content if isinstance(content, bytes) else content.read_bytes()
    return normalise(data, max_pixels=max_pixels).data


def _digest(content: bytes | Path) -> tuple[str, int]:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest(), len(content)
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), content.stat().st_size
