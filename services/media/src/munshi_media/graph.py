"""Meta's Graph API, as far as files go: where one lies, its bytes, an upload. Translates Meta's errors."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from munshi.contracts.cloud_api.errors import ErrorClass, classify
from munshi.errors import Permanent, Retryable
from munshi_media.failing import META_AWAY, NotNow
from munshi_media.settings import MediaSettings

_ASK_SECONDS = 15.0
_MAX_ANSWER = 64 * 1024
_FAILED = (aiohttp.ClientError, TimeoutError, ConnectionError, ssl.SSLError)


class MediaGone(Retryable):
    """Meta has no such file, or has it no longer; or says so in the first moments, before it knows it."""


class UrlOver(Retryable):
    """The URL leads to nothing any more; a new one may."""


class TokenRefused(Retryable):
    """This access token is not taken."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file lies, for five minutes."""

    url: str
    size: int | None
    """Bytes, as Meta says."""
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """An answer with bytes: all of the file, or what follows `offset`."""

    whole: bool
    length: int | None
    """Bytes in this answer, as announced."""
    body: aiohttp.StreamReader


class MediaGraph:
    """One HTTP client for all tenants; the token comes with each call.

    Raises (all calls): `TokenRefused`, `MediaGone`, `Retryable` where Meta is away or busy.
    """

    def __init__(self, settings: MediaSettings) -> None:
        self._base = settings.graph_url.rstrip("/")
        self._hosts = (urlsplit(self._base).hostname or "", *settings.media_hosts)
        self._own = urlsplit(self._base).netloc
        self._fetching = aiohttp.ClientTimeout(
            total=settings.fetch_seconds,
            sock_connect=settings.connect_seconds,
            sock_read=settings.idle_seconds,
        )
        self._asking = aiohttp.ClientTimeout(total=_ASK_SECONDS, sock_connect=settings.connect_seconds)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.fetches * 2),
            auto_decompress=False,  # the bytes as they are; and no bomb unpacked on the way
            skip_auto_headers=("User-Agent",),
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._session.close()

    def trusted(self, url: str) -> bool:
        """Whether a URL may be shown a tenant's token."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.netloc == self._own:
            return parts.scheme in {"http", "https"}
        return parts.scheme == "https" and any(
            host == known or host.endswith(f".{known}") for known in self._hosts
        )

    async def locate(self, version: str, media_id: str, token: str) -> Place:
        """Asks where a file lies."""
        answer = await self._ask("GET", f"{self._base}/{version}/{media_id}", token, None)
        url, size, sha256 = answer.get("url"), answer.get("file_size"), answer.get("sha256")
        if not isinstance(url, str) or not self.trusted(url):
            raise Retryable("Meta names a place that is not its own")
        known = int(size) if isinstance(size, int | str) and str(size).isdigit() else None
        return Place(url, known, sha256 if isinstance(sha256, str) else None)

    @asynccontextmanager
    async def open(self, url: str, token: str, offset: int) -> AsyncIterator[Piece]:
        """The bytes behind a URL, from `offset` where the server can.

        Raises:
            UrlOver: nothing is there (any more).
        """
        headers = {"Authorization": f"Bearer {token}"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            async with self._session.get(
                url, headers=headers, timeout=self._fetching, allow_redirects=False
            ) as answer:
                _judge(answer.status)
                whole = answer.status == 200
                yield Piece(whole, answer.content_length, answer.content)
        except _FAILED as error:
            raise NotNow(META_AWAY, f"Meta's files: {type(error).__name__}") from None

    async def upload(self, version: str, number: str, token: str, form: aiohttp.FormData) -> str:
        """Uploads a file; gives back its id."""
        answer = await self._ask("POST", f"{self._base}/{version}/{number}/media", token, form)
        if not isinstance(answer.get("id"), str):
            raise NotNow(META_AWAY, "Meta's answer to an upload names no id")
        return str(answer["id"])

    async def _ask(self, method: str, url: str, token: str, form: aiohttp.FormData | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        timeout = self._fetching if form is not None else self._asking
        try:
            async with self._session.request(
                method, url, headers=headers, data=form, timeout=timeout
            ) as answer:
                body = await answer.content.read(_MAX_ANSWER)
                status = answer.status
        except _FAILED as error:
            raise NotNow(META_AWAY, f"Graph API: {type(error).__name__}") from None
        try:
            read: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            read = {}
        said = read if isinstance(read, dict) else {}
        if status >= 400 or "error" in said:
            raise _error_of(status, said)
        return said


def _judge(status: int) -> None:
    """What the status of a download means."""
    if status in {200, 206}:
        return
    if status in {401, 403}:
        raise TokenRefused(f"a file is refused: {status}")
    if status in {404, 410, 416} or 300 <= status < 400:
        raise UrlOver(f"the place is over: {status}")
    raise NotNow(META_AWAY, f"a file is answered with {status}")


def _error_of(status: int, said: dict[str, Any]) -> Exception:
    error = said.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    verdict = classify(code if isinstance(code, int) else None, status)
    if verdict.error_class is ErrorClass.CREDENTIALS:
        return TokenRefused(f"Graph API: code {code}")
    if verdict.error_class is ErrorClass.BAD_REQUEST:
        return MediaGone(f"Graph API: code {code}")
    if verdict.error_class is ErrorClass.MEDIA:
        return Permanent(f"Graph API: code {code}", "media")
    return NotNow(META_AWAY, f"Graph API: code {code}, status {status}", 2.0)
