"""The media service's port on the bus, and what the readers make of a picture, a PDF or a sound.

The orchestrator asks on `subjects.media(cell, verb)` and gives an inbox; the service answers there with any
number of `MediaProgress` and one `MediaAnswer`. Every request may be asked again: the answer to one that was
worked on before comes from what was stored then.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from munshi.contracts.ids import MessageID, PhoneNumberID, TenantKey
from munshi.contracts.understanding import Category


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FileKind(StrEnum):
    """What a file is, for an assistant."""

    RECEIPT = "receipt"
    INVOICE = "invoice"
    SPEECH = "speech"
    OTHER = "other"


class LineItem(_Frozen):
    """One line of a receipt or an invoice, as far as legible."""

    description: str
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None


class DocumentFields(_Frozen):
    """What a document says. Absent is `None`; amounts are in units of `currency`."""

    total: Decimal | None = None
    date: dt.date | None = None
    vendor: str | None = None
    invoice_no: str | None = None
    gstin: str | None = None
    """With a right checksum; a misread one is left out."""
    currency: str | None = None
    """ISO 4217."""
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    """All taxes together."""


class Document(_Frozen):
    """One reading of a picture or PDF."""

    kind: FileKind
    fields: DocumentFields = DocumentFields()
    confidences: dict[str, float] = {}
    """By name of the field: the probability that it is right, 0 to 1."""
    lines: tuple[LineItem, ...] = ()
    failed_checks: tuple[str, ...] = ()
    """Stable words: `lines_do_not_add_up`, `tax_does_not_add_up`, `gstin_checksum`, `date_in_future`, …"""
    category: Category | None = None
    category_confidence: float = 0.0
    text: str = ""
    """All that was read, in reading order, one row a line."""
    confidence: float = Field(default=0.0, ge=0, le=1)
    """That kind and total are right."""
    pages: int = 1
    engine: str = ""


class Segment(_Frozen):
    """A stretch of speech; seconds from the start."""

    start: float
    end: float
    text: str


class Transcript(_Frozen):
    """What was said in a sound file."""

    text: str
    language: str | None = None
    """BCP 47 primary tag, as heard."""
    confidence: float = Field(default=0.0, ge=0, le=1)
    seconds: float = 0.0
    segments: tuple[Segment, ...] = ()
    engine: str = ""


class Verb(StrEnum):
    """Last token of the subject that a request goes to."""

    READ = "read"
    """Fetch, check, store, normalise and read an inbound file."""
    VOICE = "voice"
    """Speak a text and upload it; the answer has a media id that can be sent."""
    UPLOAD = "upload"
    """Upload a stored object; the answer has a media id that can be sent."""
    SIGN = "sign"
    """A URL of an object that opens for a while."""
    DELETE = "delete"
    """Delete what is kept of the files of messages."""


class ReadRequest(_Frozen):
    """Verb `read`."""

    tenant: TenantKey
    phone_number_id: PhoneNumberID
    message_id: MessageID
    media_id: str
    media_type: str
    """Meta's type: `image`, `audio`, `video`, `document`, `sticker`."""
    mime_type: str | None = None
    """As declared in the webhook."""
    sha256: str | None = None
    """As declared: base64 or hex."""
    filename: str | None = None
    url: str | None = None
    """As given in the webhook; lives five minutes."""
    voice: bool = False


class VoiceRequest(_Frozen):
    """Verb `voice`."""

    tenant: TenantKey
    phone_number_id: PhoneNumberID
    text: str = Field(min_length=1, max_length=4096)
    language: str
    """BCP 47: `hi`, `hi-Latn`, `en`, …"""


class UploadRequest(_Frozen):
    """Verb `upload`."""

    tenant: TenantKey
    phone_number_id: PhoneNumberID
    object_key: str
    mime_type: str
    filename: str | None = None


class SignRequest(_Frozen):
    """Verb `sign`."""

    tenant: TenantKey
    object_key: str
    seconds: int = Field(default=300, ge=1, le=86_400)


class DeleteRequest(_Frozen):
    """Verb `delete`. Deleting what is gone is fine."""

    tenant: TenantKey
    message_ids: tuple[MessageID, ...]


class Refusal(StrEnum):
    """Why a file was not read, for good. The person is told in words."""

    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    """Content of a type that nobody reads, or other than declared in a way that matters."""
    MALFORMED = "malformed"
    LOCKED = "locked"
    """A PDF that opens with a password only."""
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_LONG = "too_long"
    """Sound of more minutes than are read."""
    ARCHIVE_BOMB = "archive_bomb"
    GONE = "gone"
    """Meta has it no longer, or gave other bytes than it declared each time."""
    NO_ENGINE = "no_engine"
    """Kept, but nothing here can read it; `detail` names the step that adds it."""
    UNREADABLE = "unreadable"
    """Kept, but the engine failed on it each time."""


class Stored(_Frozen):
    """An object of the store."""

    key: str
    """Below the tenant's prefix: `<first two of sha256>/<sha256>`."""
    sha256: str
    """Of the stored bytes, hex."""
    mime_type: str
    size: int
    """Bytes."""


class Stage(StrEnum):
    """Where a request is."""

    FETCHING = "fetching"
    READING = "reading"


class MediaProgress(_Frozen):
    """A sign of life, every second or so while work goes on."""

    state: Literal["working"] = "working"
    stage: Stage
    expected_seconds: float | None = None
    """How long the reading will probably take still."""


class MediaAnswer(_Frozen):
    """The end of a request. What was neither read nor refused is only kept (a sticker, a video)."""

    state: Literal["done"] = "done"
    original: Stored | None = None
    normalised: Stored | None = None
    document: Document | None = None
    transcript: Transcript | None = None
    refused: Refusal | None = None
    detail: str = ""
    """For logs and staff; never shown to the person."""
    media_id: str | None = None
    """Verbs `voice` and `upload`: Meta's id."""
    url: str | None = None
    """Verb `sign`."""


class MediaFailure(_Frozen):
    """The request could not be worked on now; it is to be asked again."""

    state: Literal["failed"] = "failed"
    reason: str
    """A stable word: `meta_away`, `store_away`, `credentials`, `busy`, …"""
    retry_after: float = 1.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that an engine is given: its bytes, a path on this machine or a URL that opens for a while.
    Exactly one is set."""

    mime_type: str
    data: bytes | None = None
    path: Path | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ReadHints:
    """What the tenant tells a reader in advance."""

    languages: tuple[str, ...] = ("en",)
    """BCP 47 tags, most likely first."""
    currency: str = "INR"
    today: dt.date | None = None
    """The tenant's day; dates after it are doubted."""
    seconds: float = 60.0
    """Deadline."""
    tenant: str = ""
    """Fair shares are counted by it."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """One engine, or the lack of one, as `munshi up` and `munshi status` show it."""

    part: str
    """`nlu`, `ocr`, `speech`, `embeddings`, `tts`, `llm`."""
    engine: str
    """`rapidocr`, `tesseract`, `faster-whisper`, …; empty where there is none."""
    where: str
    """`in-process`, `triton`, `url`, or empty."""
    model: str = ""
    languages: tuple[str, ...] = ()
    ready: bool = False
    add: str = ""
    """What is missing: the one step that adds it."""
    key: str = ""
    """Of a language model: what its server says of the key that is set for it: `accepted`, `refused`,
    `missing` (it asks for one), `none` (it asks for none), `unknown` (it does not say). Else empty."""


class DocumentReader(Protocol):
    """Reads pictures (JPEG, PNG, upright, normalised) and PDFs."""

    def info(self) -> EngineInfo:
        """What it is."""
        ...

    async def close(self) -> None:
        """Ends what it holds: processes, connections."""
        ...

    async def read(self, file: FileRef, hints: ReadHints) -> Document:
        """Reads one file.

        Raises:
            Retryable: the engine is away, busy or too slow.
            Permanent: this file makes it fail.
        """
        ...


class Transcriber(Protocol):
    """Writes down speech. Takes WAV, 16 kHz mono, 16 bits."""

    def info(self) -> EngineInfo:
        """What it is."""
        ...

    async def close(self) -> None:
        """Ends what it holds: processes, connections."""
        ...

    async def transcribe(self, file: FileRef, hints: ReadHints) -> Transcript:
        """Transcribes one file. Raises: as `DocumentReader.read`."""
        ...


class Speaker(Protocol):
    """Speaks a text."""

    def info(self) -> EngineInfo:
        """What it is."""
        ...

    async def close(self) -> None:
        """Ends what it holds: processes, connections."""
        ...

    async def speak(self, text: str, language: str) -> bytes:
        """Ogg/Opus, mono, at most 512 KB where the text allows. Raises: as `DocumentReader.read`."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors of length 1."""

    def info(self) -> EngineInfo:
        """What it is; `model` names the space: vectors of different models cannot be compared."""
        ...

    async def close(self) -> None:
        """Ends what it holds: processes, connections."""
        ...

    async def embed(self, texts: tuple[str, ...], tenant: str = "") -> tuple[tuple[float, ...], ...]:
        """One vector a text, all of one length. Raises: as `DocumentReader.read`."""
        ...


READERS: Mapping[str, str] = {
    "documents": "munshi.readers.documents",
    "speech": "munshi.readers.speech",
    "voices": "munshi.readers.voices",
    "embeddings": "munshi.readers.embeddings",
}
"""Groups of entry points by which a service finds engines: each a function `load(settings) -> engine`, where
`settings` are `munshi.inference.InferenceSettings`."""
