"""What is known of an inbound file, beside its bytes in the store. Every step may run again.

Below a tenant's prefix:
- `<first two of sha256>/<sha256>`: bytes, by their content;
- `inbound/<message>/<media>.json`: a `Record`; `<message>` and `<media>` are hashes of Meta's ids;
- `refs/<sha256>/<message>-<media>`: an empty mark, that this file of this message has these bytes;
- `sent/<key>.json`: what was uploaded or spoken (`munshi_media.outbound`).
"""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict

from munshi.contracts.media import MediaAnswer, Stored
from munshi.objects import TenantObjects

INBOUND = "inbound"
REFS = "refs"
SENT = "sent"


class Record(BaseModel):
    """One inbound file, as far as it came."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    phase: Literal["kept", "done"]
    """Kept: the bytes are stored and not read yet. Done: `answer` holds for good."""
    answer: MediaAnswer
    tries: int = 0
    """Readings that were begun and did not end well; counted before each, so a crash counts too."""


def short(text: str) -> str:
    """A name for an id of Meta's that is safe in a key."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def object_key(sha256: str) -> str:
    """Where bytes lie."""
    return f"{sha256[:2]}/{sha256}"


def record_key(message_id: str, media_id: str) -> str:
    """Where the record of a message's file lies."""
    return f"{INBOUND}/{short(message_id)}/{short(media_id)}.json"


def ref_key(sha256: str, record: str) -> str:
    """The mark of a record on bytes."""
    _, message, file = record.split("/")
    return f"{REFS}/{sha256}/{message}-{file.removesuffix('.json')}"


async def load(objects: TenantObjects, key: str) -> Record | None:
    """The record, if any. One that cannot be read counts as none: its work is done again."""
    data = await objects.get_or_none(key)
    if data is None:
        return None
    try:
        return Record.model_validate_json(data)
    except ValueError:
        return None


async def save(objects: TenantObjects, key: str, record: Record) -> None:
    """Writes it over what was there."""
    await objects.put(key, record.model_dump_json(exclude_none=True).encode(), "application/json")


async def mark(objects: TenantObjects, record: str, stored: Stored) -> None:
    """Marks bytes as this record's. Before they are written: what has no mark may be deleted."""
    await objects.put(ref_key(stored.sha256, record), b"")
