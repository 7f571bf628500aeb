"""The Graph API as the sender sees it: one call, four ways in which it can end."""

from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from munshi.contracts.ids import PhoneNumberID


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta has it (accepted is not delivered)."""

    wamid: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Meta said no, with a code of its own. `detail` is Meta's short text; it holds no content of ours."""

    code: int
    status: int
    """Of the HTTP answer; decides only for codes that nobody knows."""
    detail: str
    retry_after: float | None = None
    """Seconds, where Meta gives them."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing was written to Meta: it may be sent again at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have been accepted: only a status tells."""

    reason: str


Answer = Accepted | Refused | NotSent | Unknown


class GraphApi:
    """`POST /{version}/{number}/messages` of the Graph API. Opened and closed by the composition root."""

    def __init__(self, base_url: str, connections: int, seconds: float) -> None:
        self._base = base_url.rstrip("/")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=min(5.0, seconds)),
            # The answer to a message must be read as it is; nothing here sets cookies.
            cookie_jar=aiohttp.DummyCookieJar(),
            # An answer is a few hundred bytes: nothing to be packed, and each header costs at every send.
            skip_auto_headers=("Accept", "Accept-Encoding"),
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._session.close()

    async def post(self, version: str, number: PhoneNumberID, token: str, body: dict[str, Any]) -> Answer:
        """Sends one message. Never raises for what the network or Meta does."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = f"{self._base}/{version}/{number}/messages"
        try:
            async with self._session.post(url, data=orjson.dumps(body), headers=headers) as response:
                content = await response.read()
                return read_answer(response.status, content, response.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return NotSent(type(error).__name__)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(type(error).__name__)


def read_answer(status: int, content: bytes, retry_after: str | None = None) -> Answer:
    """What an HTTP answer means. Meta's own code decides, not the status.

    An answer without a code (a gateway's page, a cut body) says nothing of the message's fate.
    """
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return Unknown(f"http_{status}")
    if not isinstance(answer, dict):
        return Unknown(f"http_{status}")
    error = answer.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return Refused(error["code"], status, _detail(error), _seconds(retry_after))
    match answer:
        case {"messages": [{"id": str(wamid)}, *_]} if status == 200:
            return Accepted(wamid)
    return Unknown(f"http_{status}")


def _detail(error: dict[str, Any]) -> str:
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    return str(details or error.get("title") or error.get("type") or "")[:300]


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
