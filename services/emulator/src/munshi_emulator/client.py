"""A typed client of the control API, for tests, benchmarks and `munshi up`.

Thin on purpose: each method is one call, and what it takes is what the endpoint takes. Imports nothing of the
server, so that a program may use it with no emulator in its process.
"""

import asyncio
import io
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

Json = dict[str, Any]
KINDS = {
    "image/jpeg": "image",
    "image/png": "image",
    "audio/ogg": "audio",
    "audio/mpeg": "audio",
    "audio/aac": "audio",
    "audio/amr": "audio",
    "audio/mp4": "audio",
    "video/mp4": "video",
    "video/3gpp": "video",
    "image/webp": "sticker",
}
"""Which bubble a file has, by its MIME type."""
LADDER = ("accepted", "sent", "delivered", "read", "played")


class EmulatorError(RuntimeError):
    """The control API refused: HTTP status and what it said."""

    def __init__(self, status: int, text: str) -> None:
        """Keep both."""
        super().__init__(f"{status}: {text}")
        self.status = status


class EmulatorClient:
    """Asynchronous client; use it as a context manager."""

    def __init__(self, base_url: str, *, timeout_seconds: float = 70.0, connections: int = 100) -> None:
        """`base_url` without a path, e.g. `http://127.0.0.1:8010`."""
        self.base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, connector=aiohttp.TCPConnector(limit=self._connections)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """One call under `/control`. Raises `EmulatorError`, aiohttp.ClientError, TimeoutError."""
        query = {name: str(value) for name, value in (params or {}).items() if value is not None}
        # A stream, because aiohttp warns of large bytes.
        data = None if body is None else io.BytesIO(orjson.dumps(body))
        headers = {"Content-Type": "application/json"}
        return await self._sent(method, path, data, params=query, headers=headers)

    async def _sent(self, method: str, path: str, data: Any, **more: Any) -> Any:
        if self._session is None:
            msg = "use the client as a context manager"
            raise RuntimeError(msg)
        url = f"{self.base_url}/control{path}"
        async with self._session.request(method, url, data=data, **more) as answer:
            raw = await answer.read()
            if answer.status >= 400:
                raise EmulatorError(answer.status, raw.decode("utf-8", "replace"))
            return orjson.loads(raw)

    async def put_number(self, phone_number_id: str, **fields: Any) -> Json:
        """Register a phone number; fields as in `PUT /control/phone-numbers/{id}`."""
        return await self._object("PUT", f"/phone-numbers/{phone_number_id}", fields)

    async def handshake(self, phone_number_id: str) -> Json:
        """Let the stand-in do the GET handshake: `{"verified", "detail"}`."""
        return await self._object("POST", f"/phone-numbers/{phone_number_id}/handshake")

    async def put_person(self, person_id: str, **fields: Any) -> Json:
        """Make or change a person; the answer has `bsuids` by portfolio."""
        return await self._object("PUT", f"/persons/{person_id}", fields)

    async def change_number(self, person: str, phone: str) -> Json:
        """The person takes a new number: system webhooks and new BSUIDs."""
        return await self._object("POST", f"/persons/{person}/number", {"phone": phone})

    async def set_marketing(self, person: str, phone_number_id: str, value: str) -> Json:
        """`stop` or `resume` marketing messages."""
        return await self._object(
            "POST", f"/persons/{person}/preferences", {"phone_number_id": phone_number_id, "value": value}
        )

    async def say(self, phone_number_id: str, person: str, text: str, **fields: Any) -> str:
        """A customer sends a text; returns its wamid. Fields as in `POST /control/messages`."""
        return await self.send(phone_number_id=phone_number_id, person=person, text=text, **fields)

    async def send(self, **fields: Any) -> str:
        """A customer sends a message of any type; returns its wamid."""
        answer = await self._object("POST", "/messages", fields)
        return str(answer["wamid"])

    async def send_file(
        self, phone_number_id: str, person: str, data: bytes, mime_type: str, **content: Any
    ) -> str:
        """A customer sends a file; returns its wamid. `content`: `caption`, `filename`, `voice`; a type that
        WhatsApp has no bubble of its own for goes as a document."""
        name = str(content.get("filename", "file"))
        kept = await self.upload(phone_number_id, data, mime_type, name)
        part = {"id": kept["id"], "mime_type": kept["mime_type"], "sha256": kept["sha256"], **content}
        kind = _bubble(mime_type)
        return await self.send(phone_number_id=phone_number_id, person=person, type=kind, content=part)

    async def upload(self, phone_number_id: str, data: bytes, mime_type: str, filename: str = "file") -> Json:
        """The bytes of a file that a customer is about to send: `{"id", "mime_type", "sha256", …}`."""
        form = aiohttp.FormData({"phone_number_id": phone_number_id, "kind": _bubble(mime_type)})
        form.add_field("file", io.BytesIO(data), filename=filename, content_type=mime_type)
        kept: Json = await self._sent("POST", "/media", form)
        return kept

    async def send_many(self, messages: Sequence[Json]) -> list[str]:
        """Thousands of customers' messages in one call; all or none is taken. Returns the wamids in order."""
        answer = await self._object("POST", "/messages/bulk", messages)
        wamids: list[str] = answer["wamids"]
        return wamids

    async def messages(self, **query: Any) -> list[Json]:
        """Messages in order; query as in `GET /control/messages` (`after`, `direction`, `person`, `wait`,
        …)."""
        answer = await self._object("GET", "/messages", params=query)
        found: list[Json] = answer["messages"]
        return found

    async def wait_for(self, count: int, *, timeout_seconds: float = 60.0, **query: Any) -> list[Json]:
        """Wait until at least `count` messages fit the query. Raises TimeoutError, saying how many there
        were."""
        deadline = time.monotonic() + timeout_seconds
        found: list[Json] = []
        after = int(query.pop("after", 0))
        while len(found) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                msg = f"{len(found)} of {count} messages after {timeout_seconds} s"
                raise TimeoutError(msg)
            more = await self.messages(**query, after=after, wait=min(left, 30.0))
            found += more
            after = more[-1]["seq"] if more else after
        return found

    async def wait_status(self, wamid: str, status: str, *, timeout_seconds: float = 60.0) -> Json:
        """Wait until a message has this status or one beyond it. Raises TimeoutError."""
        enough = LADDER[LADDER.index(status) :] if status in LADDER else (status,)
        deadline = time.monotonic() + timeout_seconds
        rev = 0
        while (left := deadline - time.monotonic()) > 0:
            trace = await self.trace(wamid)
            message: Json = trace["message"]
            if message["status"] in enough:
                return message
            rev = max(rev, int(message["rev"]))
            await self.messages(after_rev=rev, wait=min(left, 1.0), limit=1)
        msg = f"{wamid} is not {status} after {timeout_seconds} s"
        raise TimeoutError(msg)

    async def wait_delivered(self, *, timeout_seconds: float = 60.0) -> Json:
        """Wait until no webhook waits for delivery. Raises TimeoutError. Returns the counts."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            waiting = (await self._object("GET", "/waiting"))["waiting"]
            if waiting == 0:
                return await self.counts()
            if time.monotonic() > deadline:
                msg = f"{waiting} webhooks wait after {timeout_seconds} s"
                raise TimeoutError(msg)
            await asyncio.sleep(0.02)

    async def trace(self, wamid: str) -> Json:
        """What is behind a message: `{"message", "webhooks", "reply"}`."""
        return await self._object("GET", f"/messages/{wamid}/trace")

    async def post_status(self, wamid: str, status: str, **fields: Any) -> Json:
        """A status webhook out of turn."""
        return await self._object("POST", f"/messages/{wamid}/status", {"status": status, **fields})

    async def post_field(self, phone_number_id: str, field: str, value: Json) -> Json:
        """A webhook of another field than `messages`."""
        return await self._object(
            "POST", "/fields", {"phone_number_id": phone_number_id, "field": field, "value": value}
        )

    async def post_raw(self, phone_number_id: str, *, body: Any = None, text: str | None = None) -> Json:
        """A webhook body of your own, signed as usual."""
        return await self._object(
            "POST", "/raw", {"phone_number_id": phone_number_id, "body": body, "text": text}
        )

    async def fault(self, kind: str, **fields: Any) -> list[Json]:
        """Add a rule by which the Graph API fails; fields as in `POST /control/faults`."""
        rules: list[Json] = await self.call("POST", "/faults", {"kind": kind, **fields})
        return rules

    async def clear_faults(self) -> None:
        """Drop all rules."""
        await self.call("DELETE", "/faults")

    async def delivery(self, scope: str = "*", **fields: Any) -> Json:
        """Change how webhooks travel (`paused`, `duplicate`, `permute`, `linger_ms`, `batch_max`, …)."""
        return await self._object("PATCH", f"/delivery/{scope}", fields)

    async def knobs(self, **fields: Any) -> Json:
        """Change the status ladder and the like."""
        return await self._object("PATCH", "/knobs", fields)

    async def advance_clock(self, seconds: float) -> Json:
        """Move the believed time."""
        return await self._object("PUT", "/clock", {"advance_seconds": seconds})

    async def updates(self, **query: Any) -> list[Json]:
        """Webhook updates with attempts and last answer."""
        found: list[Json] = await self.call("GET", "/updates", params=query)
        return found

    async def refusals(self, after: int = 0) -> list[Json]:
        """Refused calls of the messages endpoint."""
        found: list[Json] = await self.call("GET", "/refusals", params={"after": after})
        return found

    async def counts(self) -> Json:
        """How much of what there is; `waiting` is the number of updates not delivered."""
        return await self._object("GET", "/counts")

    async def reset(self) -> None:
        """Forget all but phone numbers and templates."""
        await self.call("POST", "/reset")

    async def _object(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Json:
        answer: Json = await self.call(method, path, body, params)
        return answer


def _bubble(mime_type: str) -> str:
    """The type of message that such a file goes as."""
    return KINDS.get(mime_type.partition(";")[0], "document")
