"""How large a file may be: Meta's table, and below it the tenant's own limit. Pure."""

from collections.abc import Mapping

MB = 1024 * 1024

META_IN: Mapping[str, int] = {
    "audio": 16 * MB,
    "image": 5 * MB,
    "video": 16 * MB,
    "document": 100 * MB,
    "sticker": 500 * 1024,
}
"""Most bytes that a customer's phone sends of each kind."""

META_OUT: Mapping[str, int] = {
    "audio/aac": 16 * MB,
    "audio/amr": 16 * MB,
    "audio/mpeg": 16 * MB,
    "audio/mp4": 16 * MB,
    "audio/ogg": 16 * MB,
    "image/jpeg": 5 * MB,
    "image/png": 5 * MB,
    "video/mp4": 16 * MB,
    "video/3gpp": 16 * MB,
    "image/webp": 500 * 1024,
    "text/plain": 100 * MB,
    "application/pdf": 100 * MB,
    "application/msword": 100 * MB,
    "application/vnd.ms-excel": 100 * MB,
    "application/vnd.ms-powerpoint": 100 * MB,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100 * MB,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100 * MB,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * MB,
}
"""Most bytes that Meta takes from a business, by MIME type."""

_READ = frozenset({"audio", "image", "document"})


def inbound_limit(media_type: str, tenant_megabytes: int) -> int:
    """Most bytes of an inbound file. The tenant's limit is for what is to be read; a video or a sticker is
    only kept."""
    most = META_IN.get(media_type, 100 * MB)
    return min(most, tenant_megabytes * MB) if media_type in _READ or media_type not in META_IN else most


def plain(mime_type: str) -> str:
    """The type without its parameters: `audio/ogg; codecs=opus` is `audio/ogg`."""
    return mime_type.partition(";")[0].strip().lower()
