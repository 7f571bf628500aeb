"""What a file is, told by its content. A declared type or a file's name is never believed."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from munshi.contracts.media import Refusal
from munshi.errors import Permanent

HEAD = 64
"""Bytes of the beginning that are enough to tell a type."""


class Family(StrEnum):
    """What kind of reader takes a file."""

    PICTURE = "picture"
    PDF = "pdf"
    SOUND = "sound"
    VIDEO = "video"
    ARCHIVE = "archive"
    OTHER = "other"


class FileRefused(Permanent):
    """This file is not read, for good. `refusal` decides what the person is told."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(detail, reason=refusal.value)
        self.refusal = refusal


_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
)

_BRANDS: Mapping[bytes, str] = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"avif": "image/avif",
}
"""Major brands of ISO media files; any other is a video."""

_RIFF: Mapping[bytes, str] = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}

_ARCHIVES = frozenset(
    {
        "application/zip",
        "application/gzip",
        "application/x-7z-compressed",
        "application/vnd.rar",
        "application/x-bzip2",
        "application/x-xz",
    }
)


def _riff(head: bytes) -> str | None:
    return _RIFF.get(head[8:12]) if head[:4] == b"RIFF" else None


def _iso_media(head: bytes) -> str | None:
    return _BRANDS.get(head[8:12], "video/mp4") if head[4:8] == b"ftyp" else None


def _pdf_after_rubbish(head: bytes) -> str | None:
    return "application/pdf" if b"%PDF-" in head else None


def _mpeg_sound(head: bytes) -> str | None:
    """A frame of MPEG sound or of AAC: eleven or twelve set bits, then a layer that is not reserved."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    valid = head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return "audio/mpeg" if valid else None


_LOOKS: tuple[Callable[[bytes], str | None], ...] = (_riff, _iso_media, _mpeg_sound, _pdf_after_rubbish)


def sniff(head: bytes) -> str | None:
    """The MIME type that the first `HEAD` bytes of a file show; `None` where they show none that we know."""
    for start, mime_type in _STARTS:
        if head.startswith(start):
            return mime_type
    for look in _LOOKS:
        if (found := look(head)) is not None:
            return found
    return None


def family(mime_type: str | None) -> Family:
    """Which reader a MIME type belongs to. Parameters (`; codecs=opus`) do not matter."""
    kind = (mime_type or "").partition(";")[0].strip().lower()
    if kind in _ARCHIVES:
        return Family.ARCHIVE
    if kind == "application/pdf":
        return Family.PDF
    by_prefix = {"image": Family.PICTURE, "audio": Family.SOUND, "video": Family.VIDEO}
    return by_prefix.get(kind.partition("/")[0], Family.OTHER)
