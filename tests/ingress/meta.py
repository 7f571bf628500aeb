"""Meta's side of the door: webhooks, signatures, a client; and a look into the streams behind it."""

import hmac
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import aiohttp
import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from munshi.bus.connection import Connection, connected
from munshi.cells import load_cell
from munshi.contracts.events import DeadLetter, Envelope
from munshi.contracts.ids import CellName
from munshi.contracts.subjects import dead_stream, event_stream
from munshi.contracts.tenant import POOL
from rig.cells import APP_SECRET, Cells

NUMBER = "106540352242922"
ACCOUNT = "102290129340398"
TENANT = "shops_sharma-kirana"
PATH = f"/webhooks/whatsapp/{TENANT}"
PLATFORM_PATH = "/webhooks/whatsapp"

Raw = dict[str, Any]


def message(wamid: str, sender: str | None = "919820000001", **extra: Any) -> Raw:
    """A text message."""
    raw: Raw = {"id": wamid, "timestamp": "1767225600", "type": "text", "text": {"body": "500 udhaar"}}
    return raw | ({"from": sender} if sender else {}) | extra


def status(wamid: str, word: str = "delivered", time: str = "1767225600", **extra: Any) -> Raw:
    """A status of a message of ours."""
    return {"id": wamid, "status": word, "timestamp": time, "recipient_id": "919820000001", **extra}


def change(number: str | None = NUMBER, **lists: Any) -> Raw:
    """A change of field `messages` with these lists."""
    metadata = {"metadata": {"display_phone_number": "919820000000", "phone_number_id": number}}
    return {
        "field": "messages",
        "value": {"messaging_product": "whatsapp", **(metadata if number else {}), **lists},
    }


def webhook(*changes: Raw, account: str = ACCOUNT) -> Raw:
    """A webhook of one entry."""
    return {"object": "whatsapp_business_account", "entry": [{"id": account, "changes": list(changes)}]}


def encoded(payload: Any) -> bytes:
    """As Meta writes it: ASCII, with escapes."""
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def signature(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    """The header that signs a body."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()}


class Meta:
    """Posts to one ingress."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def post(
        self,
        payload: Any,
        path: str = PATH,
        secret: str | None = APP_SECRET,
        headers: dict[str, str] | None = None,
    ) -> int:
        """Posts a webhook, signed where a secret is given; the HTTP status."""
        body = encoded(payload)
        signed = signature(body, secret) if secret is not None else {}
        # As a stream: the client warns of large bodies given as bytes.
        async with self.session.post(
            self.url + path, data=io.BytesIO(body), headers={**signed, **(headers or {})}
        ) as answer:
            await answer.read()
            return answer.status

    async def get(self, path: str) -> tuple[int, str]:
        """Gets a path."""
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def metric(self, name: str) -> float:
        """The value of a sample of `/metrics`, by its whole name with labels; 0 where it is not there."""
        _, text = await self.get("/metrics")
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return 0.0


@asynccontextmanager
async def meta_of(url: str) -> AsyncIterator[Meta]:
    """A client with many connections."""
    timeout = aiohttp.ClientTimeout(total=180)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200), timeout=timeout) as session:
        yield Meta(session, url)


@asynccontextmanager
async def bus_of(cells: Cells, cell: str = POOL) -> AsyncIterator[Connection]:
    """A connection to the cell's bus, with the rights of a service."""
    async with connected(load_cell(cells.folder / cell), "test") as connection:
        yield connection


@asynccontextmanager
async def admin_of(cells: Cells, cell: str = POOL) -> AsyncIterator[Connection]:
    """A connection that may do anything within the cell's account, as provisioning has."""
    opened = replace(load_cell(cells.folder / cell), nats_creds=cells.admin_creds(cell))
    async with connected(opened, "test-admin") as connection:
        yield connection


async def events(cells: Cells, cell: str = POOL) -> list[Envelope]:
    """Every event that the cell's stream keeps, in order. Takes none away."""
    return [
        Envelope.model_validate_json(data) for data in await _all(cells, event_stream(CellName(cell)), cell)
    ]


async def subjects(cells: Cells, cell: str = POOL) -> dict[str, int]:
    """Messages of the event stream by subject."""
    async with bus_of(cells, cell) as connection:
        info = await connection.client.jetstream().stream_info(
            event_stream(CellName(cell)), subjects_filter=">"
        )
        return dict(info.state.subjects or {})


async def dead_letters(cells: Cells, cell: str = POOL) -> list[DeadLetter]:
    """Every dead letter that the cell's stream keeps."""
    return [
        DeadLetter.model_validate_json(data) for data in await _all(cells, dead_stream(CellName(cell)), cell)
    ]


async def _all(cells: Cells, stream: str, cell: str) -> list[bytes]:
    async with bus_of(cells, cell) as connection:
        js = connection.client.jetstream()
        wanted = (await js.stream_info(stream)).state.messages
        if not wanted:
            return []
        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            max_ack_pending=-1,
            mem_storage=True,
        )
        consumer = await js.add_consumer(stream, config)
        pull = await js.pull_subscribe_bind(consumer.name, stream)
        found: list[bytes] = []
        try:
            while len(found) < wanted:
                batch = await pull.fetch(min(1000, wanted - len(found)), timeout=60)
                found.extend(each.data for each in batch)
        finally:
            with suppress(NotFoundError, nats.errors.Error):
                await js.delete_consumer(stream, consumer.name)
        return found


def ids(found: Sequence[Envelope]) -> list[str]:
    """The ids of events."""
    return [envelope.id for envelope in found]
