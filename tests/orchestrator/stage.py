"""A stage for tests of the orchestrator: messages put on the bus, a stub of the Graph API, a look into
Postgres."""

import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from aiohttp import web

from munshi.bus.connection import Connection
from munshi.cells import Cell
from munshi.contracts.events import HEADER_ID, Envelope, Kind, Person
from munshi.contracts.ids import PhoneNumberID
from munshi.contracts.subjects import event_stream, inbound, partition_of
from munshi.contracts.tenant import Credentials, TenantEntry
from munshi.sealing import conversation_key, unseal_credentials
from rig.cells import Cells
from rig.services import Service, Services
from rig.waiting import PATIENCE_SECONDS, eventually

NUMBER = PhoneNumberID("106540352242922")


@dataclass
class Sent:
    """One request that the stub got."""

    at: float
    number: str
    token: str
    body: dict[str, Any]
    wamid: str

    @property
    def to(self) -> str:
        """Whom it is for."""
        return str(self.body.get("to") or self.body.get("recipient"))

    @property
    def text(self) -> str:
        """What it says."""
        interactive = self.body.get("interactive", {}).get("body", {}).get("text")
        return str(self.body.get("text", {}).get("body") or interactive)


Script = Callable[[Sent], Awaitable[web.Response | None]]


@dataclass
class StubGraph:
    """Takes messages as Meta does. `script` may answer in its place; `None` accepts."""

    url: str = ""
    sent: list[Sent] = field(default_factory=list)
    """What was accepted, in order."""
    tried: list[Sent] = field(default_factory=list)
    """Every message that was asked for."""
    receipts: list[dict[str, Any]] = field(default_factory=list)
    script: Script | None = None
    runner: web.AppRunner | None = None
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def listen(self, door: socket.socket) -> None:
        """Serves at one more socket, which is bound; connections to it were refused until now."""
        assert self.runner is not None
        await web.SockSite(self.runner, door.dup()).start()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """`POST /{version}/{number}/messages`."""
        body = orjson.loads(await request.read())
        if body.get("status") == "read":
            self.receipts.append(body)
            return web.json_response({"success": True})
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        wamid = f"wamid.OUT{next(self._numbers)}"
        sent = Sent(time.monotonic(), request.match_info["number"], token, body, wamid)
        self.tried.append(sent)
        answer = await self.script(sent) if self.script else None
        if answer is not None:
            return answer
        self.sent.append(sent)
        return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": wamid}]})

    def to(self, phone: str) -> list[Sent]:
        """What was accepted for one person."""
        return [sent for sent in self.sent if sent.to == phone]


def refusal(code: int, status: int = 400) -> web.Response:
    """An answer with one of Meta's errors."""
    return web.json_response(
        {"error": {"code": code, "message": "no", "type": "OAuthException"}}, status=status
    )


@asynccontextmanager
async def stub_graph() -> AsyncIterator[StubGraph]:
    """A running stub."""
    stub = StubGraph()
    app = web.Application()
    app.router.add_post("/{version}/{number}/messages", stub.handle)
    runner = stub.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stub
    finally:
        await runner.cleanup()


PATIENT = {"MUNSHI_LEASE_SECONDS": "60", "MUNSHI_SEND_SECONDS": "120"}
"""A worker that stands still for a moment keeps its lanes, and waits for an answer: nobody here sends
statuses by himself, so that a send whose fate got unknown would stay so. Tests of either give times of their
own."""
MORTAL = "2"
"""Seconds of lease for a worker that is to be missed soon once it is gone."""


@dataclass
class Stage:
    """One cell with one tenant (more may be put), a bus connection, a database connection, a stub."""

    cells: Cells
    services: Services
    graph: StubGraph
    db: asyncpg.Connection
    connection: Connection
    entry: TenantEntry
    credentials: Credentials
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def cell(self) -> Cell:
        """The tenant's cell."""
        return self.connection.cell

    tests: Path = Path(__file__).parent.parent

    def worker(
        self,
        name: str = "one",
        *,
        wait: bool = True,
        module: str | None = None,
        extra: Mapping[str, str] | None = None,
        **environment: str,
    ) -> Service:
        """Starts an orchestrator under a name; settings without their prefix as further arguments."""
        service = self.services.start(
            "orchestrator",
            {
                "MUNSHI_WORKER": name,
                "MUNSHI_CELLS_DIR": str(self.cells.folder),
                "MUNSHI_GRAPH_URL": self.graph.url,
                **PATIENT,
                "MUNSHI_HEARTBEAT_SECONDS": "0.2",
                "MUNSHI_NUMBER_RATE": "10000",
                **{f"MUNSHI_{key.upper()}": value for key, value in environment.items()},
                **(extra or {}),
            },
            module=module,
        )
        return service.wait_ready() if wait else service

    def next_id(self) -> str:
        """A fresh message id."""
        return f"wamid.IN{next(self.ids):06d}"

    async def put(
        self,
        raw: dict[str, Any],
        phone: str | None = "919800000001",
        *,
        bsuid: str | None = None,
        kind: Kind = Kind.MESSAGE,
        event_id: str | None = None,
        tenant: TenantEntry | None = None,
        at: datetime | None = None,
        repeat: str = "",
    ) -> str:
        """Puts one event on the bus as ingress does; `repeat` makes it a second delivery of the same one."""
        entry = tenant or self.entry
        now = datetime.now(UTC)
        event_id = event_id or self.next_id()
        envelope = Envelope(
            tenant=entry.key,
            kind=kind,
            id=event_id,
            phone_number_id=PhoneNumberID(entry.spec.whatsapp.phone_numbers[0].phone_number_id),
            person=Person(bsuid=bsuid, phone=phone, name="Ravi"),
            at=at or now,
            received_at=now,
            raw={"id": event_id, "timestamp": str(int((at or now).timestamp())), **raw},
        )
        key = conversation_key(self.lookup_key(entry), envelope.phone_number_id or "", bsuid, phone)
        subject = inbound(self.cell.name, entry.key, partition_of(key, self.cell.partitions), key)
        headers = {HEADER_ID: f"{entry.key}:{event_id}{repeat}"}
        await self.connection.client.jetstream().publish(
            subject, envelope.model_dump_json().encode(), headers=headers
        )
        return event_id

    async def say(self, text: str, phone: str | None = "919800000001", **given: Any) -> str:
        """Puts a text message on the bus; its id."""
        return await self.put({"type": "text", "text": {"body": text}}, phone, **given)

    async def status(self, sent: Sent, word: str, phone: str = "919800000001", **more: Any) -> None:
        """Puts a status of a sent message on the bus."""
        raw = {
            "id": sent.wamid,
            "status": word,
            "recipient_id": phone,
            "biz_opaque_callback_data": sent.body.get("biz_opaque_callback_data"),
            **more,
        }
        await self.put(raw, phone, kind=Kind.STATUS, event_id=f"{sent.wamid}:{word}:{next(self.ids)}")

    def partition(self, phone: str) -> int:
        """The lane of a person who writes to the first tenant's number."""
        key = conversation_key(self.lookup_key(self.entry), NUMBER, None, phone)
        return partition_of(key, self.cell.partitions)

    def lookup_key(self, entry: TenantEntry) -> bytes:
        """The key of a tenant's conversation keys."""
        opened = unseal_credentials(self.cell.sealing_key, entry.sealed, entry.key)
        return bytes.fromhex(opened.lookup_key.get_secret_value())

    async def rows(self, query: str, *given: Any) -> list[asyncpg.Record]:
        """What a query of the superuser finds."""
        return list(await self.db.fetch(query, *given))

    async def one(self, query: str, *given: Any) -> Any:
        """The first column of the first row."""
        return await self.db.fetchval(query, *given)

    @asynccontextmanager
    async def unwritable(self, table: str) -> AsyncIterator[None]:
        """Whoever would write to a table waits until the end of this; reading goes on."""
        await self.db.execute("begin")
        try:
            await self.db.execute(f"lock table {table} in exclusive mode")
            yield
        finally:
            await self.db.execute("rollback")

    async def pending(self) -> int:
        """Events on the bus that are not done."""
        info = await self.connection.client.jetstream().stream_info(event_stream(self.cell.name))
        return int(info.state.messages)

    async def settled(self) -> None:
        """Waits until the bus is empty and the outbox has nothing left to send."""

        async def quiet() -> bool:
            # The bus first: an event leaves it only once its replies are in the outbox.
            if await self.pending():
                return False
            left = await self.one(
                "select count(*) from outbox where state in ('queued','sending','unsettled')"
            )
            return bool(left == 0)

        await eventually(quiet, "nothing is left to do")

    async def replies(
        self, count: int, phone: str = "919800000001", *, seconds: float = PATIENCE_SECONDS
    ) -> Sequence[Sent]:
        """Waits until so many messages were accepted for a person."""

        async def enough() -> bool:
            return len(self.graph.to(phone)) >= count

        await eventually(enough, f"{count} messages for {phone}", seconds)
        return self.graph.to(phone)
