"""Meta's rules for media, pure: which types, how large, and whether bytes are what they claim to be."""

MB = 1024 * 1024

LIMITS: dict[str, tuple[str, int]] = {
    "audio/aac": ("audio", 16 * MB),
    "audio/amr": ("audio", 16 * MB),
    "audio/mpeg": ("audio", 16 * MB),
    "audio/mp4": ("audio", 16 * MB),
    "audio/ogg": ("audio", 16 * MB),
    "image/jpeg": ("image", 5 * MB),
    "image/png": ("image", 5 * MB),
    "video/mp4": ("video", 16 * MB),
    "video/3gpp": ("video", 16 * MB),
    "image/webp": ("sticker", 500 * 1024),
    "text/plain": ("document", 100 * MB),
    "application/pdf": ("document", 100 * MB),
    "application/msword": ("document", 100 * MB),
    "application/vnd.ms-excel": ("document", 100 * MB),
    "application/vnd.ms-powerpoint": ("document", 100 * MB),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("document", 100 * MB),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("document", 100 * MB),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("document", 100 * MB),
}
"""MIME type -> (kind, most bytes) of what a business may upload."""

INBOUND_MAX = {
    "audio": 16 * MB,
    "image": 5 * MB,
    "video": 16 * MB,
    "document": 100 * MB,
    "sticker": 500 * 1024,
}
"""Most bytes that a customer's phone sends of each kind."""

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_MAGIC: dict[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "application/pdf": (b"%PDF-",),
    "audio/ogg": (b"OggS",),
    "audio/amr": (b"#!AMR",),
    "audio/mpeg": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "audio/aac": (b"\xff\xf1", b"\xff\xf9"),
    "image/webp": (b"RIFF",),
    "application/msword": (_OLE,),
    "application/vnd.ms-excel": (_OLE,),
    "application/vnd.ms-powerpoint": (_OLE,),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (_ZIP,),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (_ZIP,),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (_ZIP,),
}
_BOXED = {"video/mp4", "audio/mp4", "video/3gpp"}


def plain(mime: str) -> str:
    """The type without its parameters: `audio/ogg; codecs=opus` is `audio/ogg`."""
    return mime.partition(";")[0].strip().lower()


def fits(mime: str, head: bytes) -> bool:
    """Whether the first bytes (16 at least) are of that type. True where no signature is known."""
    kind = plain(mime)
    if kind in _BOXED:
        return head[4:8] == b"ftyp"
    known = _MAGIC.get(kind)
    return known is None or head.startswith(known)


def problem(mime: str, size: int, head: bytes) -> str | None:
    """Why Meta refuses this upload, or None."""
    kind = plain(mime)
    rule = LIMITS.get(kind)
    if rule is None:
        return f"type {kind} is not supported"
    if size > rule[1]:
        return f"{kind} of {size} bytes is larger than {rule[1]} bytes"
    if size == 0:
        return "the file is empty"
    if not fits(mime, head):
        return f"the bytes are no {kind}"
    return None
