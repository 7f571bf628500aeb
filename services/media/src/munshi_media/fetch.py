"""Brings the bytes of one inbound file: new URL where the old one is over, new token where it is refused, on
from where it broke off, back-off where Meta is away."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from munshi.contracts.media import ReadRequest, Refusal
from munshi.errors import Retryable
from munshi.files.kinds import FileRefused
from munshi_media.failing import CREDENTIALS, META_AWAY, NotNow
from munshi_media.graph import MediaGone, MediaGraph, TokenRefused, UrlOver
from munshi_media.metrics import Metrics
from munshi_media.received import Received

_PIECE = 256 * 1024
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 3.0
_CREDENTIALS_AGAIN = 5.0


class _OtherBytes(Retryable):
    """Not what was declared."""


@dataclass(frozen=True, slots=True)
class Order:
    """One file to be fetched."""

    request: ReadRequest
    version: str
    """Of the Graph API."""
    token: Callable[[], str]
    """The tenant's access token of this moment: a renewed one is seen without a new request."""
    most: int
    """Bytes."""

    @property
    def sha256(self) -> str | None:
        """As declared, in hex."""
        return hex_digest(self.request.sha256)


def hex_digest(declared: str | None) -> str | None:
    """A SHA-256 as hex, from hex or base64; `None` where it is neither."""
    if not declared:
        return None
    if _HEX.fullmatch(declared):
        return declared.lower()
    try:
        raw = base64.b64decode(declared, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 32 else None


class Fetcher:
    """Fetches for all tenants."""

    def __init__(self, graph: MediaGraph, metrics: Metrics, tries: int) -> None:
        self._graph = graph
        self._metrics = metrics
        self._tries = tries

    async def fetch(self, order: Order, into: Received) -> None:
        """Fills `into` with the file.

        Raises:
            FileRefused: too large, or gone.
            NotNow: Meta is away, or takes none of our tokens; ask again.
        """
        download = _Download(self._graph, order, into)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Retryable),
            stop=stop_after_attempt(self._tries),
            wait=wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    await download.once()
        except (UrlOver, _OtherBytes, MediaGone) as error:
            self._count(type(error).__name__)
            raise FileRefused(Refusal.GONE, str(error)) from None
        except TokenRefused as error:
            self._count(CREDENTIALS)
            raise NotNow(CREDENTIALS, str(error), _CREDENTIALS_AGAIN) from None
        except FileRefused as error:
            self._count(error.reason)
            raise
        except Retryable as error:
            self._count(META_AWAY)
            raise NotNow(META_AWAY, str(error), 2.0) from None
        self._count("done")
        self._metrics.fetched_bytes.inc(into.size)

    def _count(self, outcome: str) -> None:
        self._metrics.fetches.labels(outcome).inc()


class _Download:
    """The tries of one file, and what they know of each other."""

    def __init__(self, graph: MediaGraph, order: Order, into: Received) -> None:
        self._graph = graph
        self._order = order
        self._into = into
        given = order.request.url
        self._url = given if given and graph.trusted(given) else None
        self._declared = order.sha256
        self._size: int | None = None

    async def once(self) -> None:
        """One try. What came stays for the next one."""
        url = self._url or await self._locate()
        try:
            await self._bytes(url)
        except UrlOver:
            self._url = None
            raise
        except TokenRefused:
            # A refused token may be one that is being renewed; so may a URL of an older one.
            self._url = None
            raise

    async def _locate(self) -> str:
        order = self._order
        place = await self._graph.locate(order.version, order.request.media_id, order.token())
        if place.size is not None and place.size > order.most:
            raise FileRefused(Refusal.TOO_LARGE, f"{place.size} bytes")
        self._declared = self._declared or hex_digest(place.sha256)
        self._url, self._size = place.url, place.size
        return place.url

    async def _bytes(self, url: str) -> None:
        into = self._into
        async with self._graph.open(url, self._order.token(), into.size) as piece:
            if piece.whole:
                into.clear()
            if into.size + (piece.length or 0) > self._order.most:
                raise FileRefused(Refusal.TOO_LARGE, f"{into.size + (piece.length or 0)} bytes announced")
            async for part in piece.body.iter_chunked(_PIECE):
                await into.add(part)
                if into.size > self._order.most:
                    raise FileRefused(Refusal.TOO_LARGE, f"more than {self._order.most} bytes")
        cut = self._size is not None and into.size != self._size
        if cut or (self._declared is not None and into.sha256 != self._declared):
            into.clear()
            self._url = None
            raise _OtherBytes("other bytes than declared")
        if into.size == 0:
            raise FileRefused(Refusal.MALFORMED, "no bytes")
