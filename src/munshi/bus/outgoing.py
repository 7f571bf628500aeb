"""A message for the bus, and how large it may be. Pure: no client is needed to make one."""

from typing import NamedTuple

_MIB = 1024 * 1024

MAX_EVENT_BYTES = 4 * _MIB
"""A webhook's body is at most 3 MB; one event of it, in its envelope, stays below this."""
MAX_DEAD_BYTES = 6 * _MIB
"""A whole body of 3 MB as base64, or as JSON text with its quotes escaped."""
MAX_ENTRY_BYTES = _MIB
"""A registry entry is 1 to 2 KB; a hundred times that is somebody's mistake."""


class Outgoing(NamedTuple):
    """One message to keep."""

    subject: str
    data: bytes
    headers: dict[str, str]
