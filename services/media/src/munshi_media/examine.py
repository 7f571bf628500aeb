"""What a file is and whether it may be kept: by its content, checked against what was declared. Computes
only; runs in a worker process where it opens what a stranger made."""

import io
import struct
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from munshi.contracts.media import Refusal
from munshi.files.kinds import HEAD, Family, FileRefused, family, sniff
from munshi.files.pictures import FORMATS
from munshi_media.limits import plain

_TEXT_BYTES = 4096
_ZIP_ENTRIES = 5_000
_ZIP_BYTES = 256 * 1024 * 1024
"""What an office file may unpack to."""
_ZIP_RATIO = 120
"""Unpacked to packed: XML packs some 10 to 30 times; a bomb a thousand."""
_OOXML = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OLE = "application/x-ole-storage"
_OLD_OFFICE = frozenset({"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"})
_SENT_AS: dict[str, frozenset[Family]] = {
    "image": frozenset({Family.PICTURE}),
    "sticker": frozenset({Family.PICTURE}),
    "audio": frozenset({Family.SOUND}),
    "video": frozenset({Family.VIDEO}),
}
"""What may be in a message of a type; a document may be anything that is known."""
_READ_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"})
_READ_SOUNDS = frozenset(
    {
        "audio/ogg",
        "audio/mpeg",
        "audio/wav",
        "audio/flac",
        "audio/aac",
        "audio/amr",
        "audio/mp4",
        "audio/3gpp",
    }
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of it is opened."""

    max_pixels: int
    max_pages: int


@dataclass(frozen=True, slots=True)
class Examined:
    """A file that may be kept."""

    mime_type: str
    """By its content."""
    family: Family
    readable: bool
    """Whether an engine is asked; else it is only kept."""


def examine(data: bytes | Path, media_type: str, declared: str | None, bounds: Bounds) -> Examined:
    """Decides on a file.

    Args:
        data: its bytes, or where it lies.
        media_type: Meta's type of the message.
        declared: MIME type of the webhook.
        bounds: limits of what is opened.

    Raises:
        FileRefused: wrong type, malformed, locked, too many pixels or pages, an archive bomb.
    """
    mime_type = _type_of(data, media_type, plain(declared or ""))
    kind = family(mime_type)
    if kind not in _SENT_AS.get(media_type, frozenset(Family) - {Family.ARCHIVE}):
        raise FileRefused(Refusal.WRONG_TYPE, f"{mime_type} in a message of type {media_type}")
    if kind is Family.PICTURE:
        _picture(data, bounds.max_pixels)
        return Examined(mime_type, kind, media_type != "sticker")
    if kind is Family.PDF:
        _pdf(data, bounds.max_pages)
        return Examined(mime_type, kind, True)
    return Examined(mime_type, kind, kind is Family.SOUND)


def cheap(data: bytes | Path) -> bool:
    """Whether a look at the beginning is all that `examine` takes: a picture's header."""
    return isinstance(data, bytes) and family(sniff(data[:HEAD])) is Family.PICTURE


def _type_of(data: bytes | Path, media_type: str, declared: str) -> str:
    head = _head(data, _TEXT_BYTES)
    found = sniff(head[:HEAD])
    if found is None:
        return _text_type(head, declared)
    if found == "application/zip":
        return _office_type(data)
    if found == _OLE:
        if declared in _OLD_OFFICE:
            return declared
        raise FileRefused(Refusal.WRONG_TYPE, f"{found} declared as {declared or 'nothing'}")
    if found == "video/mp4" and media_type == "audio":
        return "audio/mp4"  # phones write voice notes into films without pictures
    if found == "video/mp4" and declared == "video/3gpp":
        return declared
    if _unknown(found):
        raise FileRefused(Refusal.WRONG_TYPE, found)
    return found


def _unknown(found: str) -> bool:
    kind = family(found)
    readable = {Family.PICTURE: _READ_PICTURES, Family.SOUND: _READ_SOUNDS}
    if kind in readable:
        return found not in readable[kind]
    return kind in {Family.ARCHIVE, Family.OTHER} or found == "video/x-matroska"


def _head(data: bytes | Path, count: int) -> bytes:
    if isinstance(data, bytes):
        return data[:count]
    with data.open("rb") as file:
        return file.read(count)


def _text_type(head: bytes, declared: str) -> str:
    """Plain text, or nothing that we know."""
    cut = head[: len(head) - 3] if len(head) == _TEXT_BYTES else head
    try:
        text = cut.decode("utf-8")
    except UnicodeDecodeError as error:
        # The cut may go through a character.
        text = "\0" if error.start < len(cut) - 3 else cut[: error.start].decode("utf-8")
    if "\0" in text:
        raise FileRefused(Refusal.WRONG_TYPE, f"unknown content declared as {declared or 'nothing'}")
    return declared if declared.startswith("text/") else "text/plain"


def _office_type(data: bytes | Path) -> str:
    """Which office file an archive is; none unpacks to more than it should."""
    try:
        with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise FileRefused(Refusal.MALFORMED, f"broken archive: {type(error).__name__}") from None
    packed = max(1, sum(entry.compress_size for entry in entries))
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > _ZIP_ENTRIES or unpacked > _ZIP_BYTES or unpacked > _ZIP_RATIO * packed + 65_536:
        raise FileRefused(
            Refusal.ARCHIVE_BOMB, f"{len(entries)} entries, {packed} bytes unpack to {unpacked}"
        )
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" in names:
        for folder, mime_type in _OOXML.items():
            if any(name.startswith(folder) for name in names):
                return mime_type
    raise FileRefused(Refusal.WRONG_TYPE, "an archive that is no office file")


def _picture(data: bytes | Path, max_pixels: int) -> None:
    """Reads the header alone: nothing is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data, formats=FORMATS) as opened:
                width, height = opened.size
    except Image.DecompressionBombError as error:
        raise FileRefused(Refusal.TOO_MANY_PIXELS, str(error)) from None
    except Exception as error:  # noqa: BLE001 - a codec raises whatever it likes on broken bytes
        raise FileRefused(Refusal.MALFORMED, f"broken picture: {type(error).__name__}") from None
    if width * height > max_pixels:
        raise FileRefused(Refusal.TOO_MANY_PIXELS, f"{width} x {height} pixels")


def _pdf(data: bytes | Path, max_pages: int) -> None:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise FileRefused(Refusal.LOCKED, "locked by a password") from None
        raise FileRefused(Refusal.MALFORMED, "a broken PDF") from None
    try:
        pages = len(document)
    finally:
        document.close()
    if pages == 0:
        raise FileRefused(Refusal.MALFORMED, "a PDF without pages")
    if pages > max_pages:
        raise FileRefused(Refusal.TOO_MANY_PAGES, f"{pages} pages")
