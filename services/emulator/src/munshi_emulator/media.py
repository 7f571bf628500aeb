"""Media: bytes in a folder, rows in the store, URLs that live five minutes by the movable clock."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from munshi_emulator.errors import GraphError
from munshi_emulator.mediatypes import fits, plain
from munshi_emulator.models import PhoneNumber
from munshi_emulator.world import World

URL_LIFE = 300.0
UPLOAD_LIFE = 30 * 86400.0
INBOUND_LIFE = 7 * 86400.0
_CHUNK = 256 * 1024
_KINDS = ("image", "audio", "video", "document", "sticker")


@dataclass(frozen=True)
class Media:
    """One file. `source` is `upload` (a business's) or `webhook` (a customer's)."""

    id: str
    number: str
    mime: str
    sha256: str
    """Hex."""
    size: int
    filename: str
    source: str
    created: float

    def expired(self, now: float) -> bool:
        """Whether the id has ended."""
        return now > self.created + (UPLOAD_LIFE if self.source == "upload" else INBOUND_LIFE)


async def keep(world: World, number: str, source: str, file: BinaryIO, mime: str, filename: str) -> Media:
    """Copy a file into the folder and write its row."""
    media_id = str(10**15 + secrets.randbelow(9 * 10**15))
    digest, size = await asyncio.to_thread(_copy, file, world.media_dir / media_id)
    media = Media(media_id, number, mime, digest, size, filename, source, world.clock.now())
    values = (media.id, number, mime, digest, size, filename, source, media.created)
    await world.store.write(("INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values))
    return media


def _copy(file: BinaryIO, target: Path) -> tuple[str, int]:
    """SHA-256 and size of what was copied."""
    digest = hashlib.sha256()
    size = 0
    with target.open("wb") as out:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return digest.hexdigest(), size


def find(world: World, media_id: str) -> Media | None:
    """A file that is there and not expired."""
    rows = world.store.rows("SELECT * FROM media WHERE id = ?", (media_id,))
    if not rows:
        return None
    media = Media(**dict(rows[0]))
    return None if media.expired(world.clock.now()) else media


def path_of(world: World, media: Media) -> Path:
    """Where the bytes lie."""
    return world.media_dir / media.id


async def drop(world: World, media: Media) -> None:
    """Delete row and bytes."""
    await world.store.write(("DELETE FROM media WHERE id = ?", (media.id,)))
    path_of(world, media).unlink(missing_ok=True)


def ticket(world: World, media: Media) -> str:
    """Query string of a URL that ends in five minutes."""
    ends = int(world.clock.now() + URL_LIFE)
    return f"mid={media.id}&ext={ends}&hash={_seal(world, media.id, ends)}"


def admit(world: World, media_id: str, ends: str, seal: str) -> Media | None:
    """The file that a ticket is good for, or None if it is forged, over, or the file gone."""
    if not ends.isdigit() or not hmac.compare_digest(_seal(world, media_id, int(ends)), seal):
        return None
    return find(world, media_id) if world.clock.now() <= int(ends) else None


def _seal(world: World, media_id: str, ends: int) -> str:
    return hmac.new(world.media_key, f"{media_id}|{ends}".encode(), hashlib.sha256).hexdigest()[:32]


def check_outbound(world: World, number: PhoneNumber, body: dict[str, Any]) -> None:
    """Raise `GraphError` if a message names media that is not there or of another kind."""
    kind = body.get("type")
    if kind not in _KINDS or not body[kind].get("id"):
        return
    media = find(world, str(body[kind]["id"]))
    owner = None if media is None else world.directory.numbers.get(media.number)
    if media is None or owner is None or owner.waba_id != number.waba_id or media.source != "upload":
        raise GraphError(100, f"{kind}.id is not a media id of this account")
    group = plain(media.mime).partition("/")[0]
    if kind in {"image", "audio", "video"} and group != kind:
        raise GraphError(131053, f"{media.mime} cannot be sent as {kind}")
    if kind == "audio" and body["audio"].get("voice") and not voice_note(media, path_of(world, media)):
        raise GraphError(131053, "a voice note must be OGG with the OPUS codec")


def voice_note(media: Media, path: Path) -> bool:
    """Whether the file is an OGG whose first page says Opus."""
    if plain(media.mime) != "audio/ogg":
        return False
    with path.open("rb") as file:
        head = file.read(64)
    return fits("audio/ogg", head) and b"OpusHead" in head
