"""Every answer that a webhook can get: the one table of outcomes and HTTP statuses."""

from dataclasses import dataclass, field
from typing import Any

from munshi.bus.errors import BusAway, BusBusy, BusFull
from munshi_ingress.sorting import NotKnownYet

_RETRY_AFTER = (b"retry-after", b"1")
_CLOSE = (b"connection", b"close")
_Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome (the label of the metrics) with the ASGI messages that say it."""

    outcome: str
    status: int
    headers: tuple[_Header, ...] = ()
    body: bytes = b""
    start: dict[str, Any] = field(init=False, repr=False)
    closing: dict[str, Any] = field(init=False, repr=False)
    """`start`, and the connection is closed after it: while the service stops."""
    end: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        headers = [*self.headers, (b"content-length", str(len(self.body)).encode())]
        start = {"type": "http.response.start", "status": self.status, "headers": headers}
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "closing", start | {"headers": [*headers, _CLOSE]})
        object.__setattr__(self, "end", {"type": "http.response.body", "body": self.body})


KEPT = Answer("kept", 200)
DEAD_LETTER = Answer("dead_letter", 200)
"""Nothing of it could be used; it is kept for a person to look at."""
FORBIDDEN = Answer("forbidden", 403)
"""A handshake with a wrong token."""
UNSIGNED = Answer("unsigned", 401)
UNKNOWN_TENANT = Answer("unknown_tenant", 404)
TOO_LARGE = Answer("too_large", 413, (_CLOSE,))
TOO_SLOW = Answer("too_slow", 408, (_CLOSE,))
WRONG_METHOD = Answer("wrong_method", 405, ((b"allow", b"GET, POST"),))
BUSY = Answer("busy", 503, (_RETRY_AFTER,))
"""Too much is in work."""
STARTING = Answer("starting", 503, (_RETRY_AFTER,))
"""The registry is not known yet: the tenant may exist."""
BUS_AWAY = Answer("bus_away", 503, (_RETRY_AFTER,))
BUS_FULL = Answer("bus_full", 503, (_RETRY_AFTER,))
FAILED = Answer("failed", 503, (_RETRY_AFTER,))
"""A defect of ours. 503, not 500: Meta comes again and nothing is lost."""

OF_ERROR: dict[type[Exception], Answer] = {
    BusAway: BUS_AWAY,
    BusFull: BUS_FULL,
    BusBusy: BUSY,
    NotKnownYet: STARTING,
}


def challenge(text: str) -> Answer:
    """The handshake's answer: the challenge as plain text, which no browser may take for a page."""
    headers = ((b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff"))
    return Answer("handshake", 200, headers, text.encode("utf-8", "replace"))
