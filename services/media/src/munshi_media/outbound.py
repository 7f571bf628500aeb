"""Files on their way out: a stored one, or a text that is spoken; uploaded once while Meta's id lives.

`sent/<key>.json` says what lies where and which ids Meta gave: for an upload the key is the bytes' own hash,
for a voice a keyed hash of language and text, so that the store does not tell who was told what.
"""

import hashlib
import hmac
import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from pydantic import BaseModel, ConfigDict
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from munshi.contracts.ids import PhoneNumberID
from munshi.contracts.media import MediaAnswer, Refusal, Stored, UploadRequest, VoiceRequest
from munshi.errors import Permanent, Retryable
from munshi.files.kinds import FileRefused
from munshi.objects import ObjectMissing, TenantObjects
from munshi.tenants import Tenant
from munshi_media.engines import Engines
from munshi_media.failing import CREDENTIALS, ENGINE_AWAY, META_AWAY, NotNow
from munshi_media.graph import MediaGraph, TokenRefused
from munshi_media.limits import META_OUT, plain
from munshi_media.metrics import Metrics
from munshi_media.received import Received
from munshi_media.records import SENT, object_key
from munshi_media.settings import MediaSettings

_DAY = 86_400.0
_TRIES = 3
_OGG = "audio/ogg"
_NAMES = {"audio/ogg": "ogg", "image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}
_SAFE_NAME = re.compile(r"[^\w .()-]+")


class Given(BaseModel):
    """An id that Meta gave for one of our numbers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    media_id: str
    at: float
    """Unix time."""


class Sent(BaseModel):
    """What was uploaded, or spoken and uploaded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    stored: Stored
    ids: dict[PhoneNumberID, Given] = {}

    def alive(self, number: PhoneNumberID, days: float) -> str | None:
        """An id that can still be sent by this number."""
        given = self.ids.get(number)
        return given.media_id if given is not None and time.time() < given.at + days * _DAY else None


@dataclass(frozen=True, slots=True)
class OutboundParts:
    """What it is made of."""

    settings: MediaSettings
    graph: MediaGraph
    engines: Engines
    metrics: Metrics
    spool: Path


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Whose file it is, and where it goes."""

    tenant: Tenant
    number: PhoneNumberID
    token: Callable[[], str]
    objects: TenantObjects


class Outbound:
    """The verbs `upload` and `voice`.

    Raises:
        Retryable: store, engine or Meta are away; ask again.
        FileRefused: too large or of a type that Meta does not take; no engine; or it fails.
    """

    def __init__(self, parts: OutboundParts) -> None:
        self._parts = parts

    async def upload(self, request: UploadRequest, out: Outgoing) -> MediaAnswer:
        """A stored object's id of Meta."""
        info = await out.objects.find(request.object_key)
        if info is None:
            raise ObjectMissing
        mime_type = plain(request.mime_type)
        digest = hashlib.sha256(f"{request.object_key}\n{mime_type}".encode()).hexdigest()
        key = f"{SENT}/{digest[:32]}.json"
        sent = await _load(out.objects, key)
        if sent is None:
            name = request.object_key.rpartition("/")[2]
            stored = Stored(key=request.object_key, sha256=name, mime_type=mime_type, size=info.size)
            sent = Sent(stored=stored)
        return await self._given(key, sent, out, request.filename)

    async def voice(self, request: VoiceRequest, out: Outgoing) -> MediaAnswer:
        """The id of Meta of a spoken text."""
        speaker = await self._parts.engines.voices()
        info = speaker.info()
        spoken = f"{info.engine}\n{info.model}\n{request.language}\n{request.text}".encode()
        key = f"{SENT}/{hmac.digest(out.tenant.lookup_key, spoken, 'sha256').hex()[:32]}.json"
        sent = await _load(out.objects, key)
        if sent is None or await out.objects.find(sent.stored.key) is None:
            try:
                data = await speaker.speak(request.text, request.language)
            except FileRefused:
                raise
            except Permanent as error:
                raise FileRefused(Refusal.UNREADABLE, f"the engine refuses it: {error.reason}") from None
            except Retryable as error:
                raise NotNow(ENGINE_AWAY, str(error), max(error.delay, 1.0)) from None
            sha256 = hashlib.sha256(data).hexdigest()
            stored = Stored(key=object_key(sha256), sha256=sha256, mime_type=_OGG, size=len(data))
            await out.objects.put(stored.key, data, _OGG)
            sent = Sent(stored=stored, ids=sent.ids if sent else {})
            await _save(out.objects, key, sent)
        return await self._given(key, sent, out, None)

    async def _given(self, key: str, sent: Sent, out: Outgoing, filename: str | None) -> MediaAnswer:
        known = sent.alive(out.number, self._parts.settings.voice_ids_days)
        if known is not None:
            self._count("reused")
            return MediaAnswer(original=sent.stored, media_id=known)
        most = META_OUT.get(sent.stored.mime_type)
        if most is None:
            raise FileRefused(Refusal.WRONG_TYPE, f"Meta takes no {sent.stored.mime_type}")
        if sent.stored.size > most:
            raise FileRefused(Refusal.TOO_LARGE, f"{sent.stored.size} bytes; Meta takes {most}")
        media_id = await self._upload(sent.stored, out, filename)
        given = Given(media_id=media_id, at=time.time())
        await _save(out.objects, key, sent.model_copy(update={"ids": {**sent.ids, out.number: given}}))
        return MediaAnswer(original=sent.stored, media_id=media_id)

    async def _upload(self, stored: Stored, out: Outgoing, filename: str | None) -> str:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Retryable),
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(multiplier=0.3, max=3.0),
            reraise=True,
        )
        with Received(self._parts.spool) as bytes_:
            async for piece in out.objects.read(stored.key):
                await bytes_.add(piece)
            try:
                async for attempt in retrying:
                    with attempt:
                        return await self._once(stored, bytes_, out, filename)
            except TokenRefused as error:
                self._count(CREDENTIALS)
                raise NotNow(CREDENTIALS, str(error), 5.0) from None
            except Retryable as error:
                self._count(META_AWAY)
                raise NotNow(META_AWAY, str(error), 2.0) from None
            except Permanent as error:
                self._count("refused")
                raise FileRefused(Refusal.WRONG_TYPE, f"Meta refuses it: {error}") from None
        raise AssertionError("unreachable")

    async def _once(self, stored: Stored, bytes_: Received, out: Outgoing, filename: str | None) -> str:
        form = aiohttp.FormData()
        form.add_field("messaging_product", "whatsapp")
        form.add_field("type", stored.mime_type)
        content, name = bytes_.content, _file_name(stored, filename)
        version = out.tenant.spec.whatsapp.graph_version
        with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as body:
            form.add_field("file", body, filename=name, content_type=stored.mime_type)
            media_id = await self._parts.graph.upload(version, out.number, out.token(), form)
        self._count("done")
        return media_id

    def _count(self, outcome: str) -> None:
        self._parts.metrics.uploads.labels(outcome).inc()


def _file_name(stored: Stored, filename: str | None) -> str:
    """Must fit the bytes, or Meta refuses it."""
    if filename:
        return _SAFE_NAME.sub("_", filename)[:120]
    return f"file.{_NAMES.get(stored.mime_type, stored.mime_type.rpartition('/')[2])}"


async def _load(objects: TenantObjects, key: str) -> Sent | None:
    data = await objects.get_or_none(key)
    try:
        return Sent.model_validate_json(data) if data else None
    except ValueError:
        return None


async def _save(objects: TenantObjects, key: str, sent: Sent) -> None:
    await objects.put(key, sent.model_dump_json().encode(), "application/json")
