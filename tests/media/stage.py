"""A real media service before a real NATS, a folder or an S3 server, and the stand-in for Meta."""

import asyncio
import io
import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from pydantic import BaseModel

from munshi.bus.connection import Connection, connected
from munshi.cells import Cell, ObjectStoreAddress, load_cell
from munshi.contracts.ids import CellName, MessageID, PhoneNumberID, TenantKey
from munshi.contracts.media import (
    MediaAnswer,
    MediaFailure,
    MediaProgress,
    ReadRequest,
    Stored,
    Verb,
)
from munshi.contracts.subjects import media
from munshi.contracts.tenant import POOL
from munshi.objects import ObjectStore, TenantObjects
from munshi.provision.object_store import folder_address
from munshi_emulator.testing import EmulatorProcess
from rig.cells import Cells, credentials, tenant_document
from rig.servers import Servers
from rig.services import Service, Services
from rig.waiting import eventually

_numbers = itertools.count(106540352000000)
_wamids = itertools.count(1)
PATIENT = {
    "MUNSHI_IDLE_SECONDS": "5",
    "MUNSHI_FETCH_SECONDS": "120",
    "MUNSHI_READ_SECONDS": "120",
    "MUNSHI_CONVERT_SECONDS": "120",
}
"""A machine that stands still for a moment is no engine that hangs; a download that hangs is begun anew."""

Heard = tuple[MediaAnswer | MediaFailure, list[MediaProgress]]
"""The end of a request, and what came before it."""


@dataclass
class Shop:
    """A tenant with its number at the stand-in."""

    stage: "Stage"
    key: TenantKey
    number: PhoneNumberID
    token: str

    async def takes(
        self, data: bytes, mime_type: str, media_type: str = "image", **declared: Any
    ) -> ReadRequest:
        """A customer's phone has uploaded a file; the request as the orchestrator makes it of the webhook."""
        form = aiohttp.FormData()
        form.add_field("phone_number_id", self.number)
        form.add_field("kind", "document")  # the largest limit: what is too large for others can be tried
        form.add_field("file", io.BytesIO(data), filename="file", content_type=mime_type)
        url = f"{self.stage.emulator.url}/control/media"
        async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
            assert answer.status == 200, await answer.text()
            kept = await answer.json()
        values = {"mime_type": mime_type, "sha256": kept["sha256"], **declared}
        return ReadRequest(
            tenant=self.key,
            phone_number_id=self.number,
            message_id=MessageID(f"wamid.{next(_wamids)}"),
            media_id=kept["id"],
            media_type=media_type,
            **values,
        )

    @property
    def objects(self) -> TenantObjects:
        """What is kept of it, seen by the test's own eyes."""
        return self.stage.store.of(self.key)

    async def fault(self, kind: str, **fields: Any) -> None:
        """Meta fails for this number."""
        async with self.stage.emulator.client() as meta:
            await meta.fault(kind, **{"endpoint": "media_bytes", "phone_number_id": self.number, **fields})

    async def keys(self) -> set[str]:
        """All that is kept of it."""
        found = set()
        async for portion in self.stage.store.list(f"{self.key}/"):
            found |= {one.key.removeprefix(f"{self.key}/") for one in portion}
        return found


@dataclass
class Stage:
    """Everything that a test of the media service needs."""

    folder: Path
    servers: Servers
    emulator: EmulatorProcess
    services: Services
    engines: Path
    address: Callable[[CellName], ObjectStoreAddress] | None = None
    service: Service | None = None
    cell: Cell | None = None
    cells: Cells = field(init=False)

    def __post_init__(self) -> None:
        """Prepares the cells' folder."""
        address = self.address or (lambda cell: folder_address(self.folder / "objects", cell))
        self.cells = Cells(self.servers, self.folder / "cells", objects=address)

    def start(self, module: str | None = None, **environment: str) -> Service:
        """Starts the service; does not wait."""
        settings = {
            **PATIENT,
            "MUNSHI_CELLS_DIR": str(self.cells.folder),
            "MUNSHI_GRAPH_URL": self.emulator.url,
            "MUNSHI_SPOOL_DIR": str(self.folder / "spool"),
            "MUNSHI_TEST_ENGINES": str(self.engines),
            "PYTHONPATH": str(self.engines),
            **environment,
        }
        self.service = self.services.start("media", settings, module=module)
        return self.service

    async def open(self, module: str | None = None, **environment: str) -> None:
        """Makes the pool and starts the service."""
        self.cell = await self.cells.add(POOL)
        await asyncio.to_thread(self.start(module, **environment).wait_ready)

    @property
    def here(self) -> Path:
        """The folder of these tests."""
        return Path(__file__).parent

    @property
    def store(self) -> ObjectStore:
        """The pool's objects."""
        cell = load_cell(self.cells.folder / POOL)
        assert cell.object_store is not None
        return ObjectStore(cell.object_store)

    async def shop(self, name: str | None = None, **spec: Any) -> Shop:
        """A fresh tenant that the service knows."""
        number = PhoneNumberID(str(next(_numbers)))
        token = f"token-{number}"
        document = tenant_document(name or f"shop-{number}", "shops", number, **spec)
        await self.cells.put_tenant(document, credentials(access_token=token))
        async with self.emulator.client() as meta:
            await meta.put_number(
                number,
                waba_id="102290129340398",
                display_phone_number="+91 98200 00000",
                verified_name="Shop",
                app_secret="app-secret-for-tests",
                access_tokens=[token],
            )
        await self.until(lambda: self.serves(document.key))
        return Shop(self, document.key, number, token)

    def serves(self, key: TenantKey) -> bool:
        """Whether the service knows a tenant."""
        assert self.service is not None
        return self.service.answers(f"/served/{key}")

    async def until(self, holds: Callable[[], Any], what: str = "") -> None:
        """Waits for something that takes a moment."""
        await eventually(lambda: asyncio.to_thread(holds), what)

    @asynccontextmanager
    async def bus(self) -> AsyncIterator[Connection]:
        """A connection as the orchestrator's."""
        async with connected(load_cell(self.cells.folder / POOL), "test") as connection:
            yield connection

    async def ask(self, verb: Verb, request: BaseModel, seconds: float = 40.0) -> Heard:
        """One request, to its end; again while nobody listens, as the orchestrator does. Raises TimeoutError
        where nothing is heard."""
        async with self.bus() as connection:

            async def answered() -> Heard | None:
                try:
                    return await heard(connection, verb, request, seconds)
                except NobodyListens:
                    return None

            found: Heard = await eventually(answered, "somebody listens")
            return found

    async def read(self, request: ReadRequest, seconds: float = 40.0) -> MediaAnswer:
        """The answer to `read`; a failure fails the test."""
        answer, _ = await self.ask(Verb.READ, request, seconds)
        assert isinstance(answer, MediaAnswer), answer
        return answer

    async def read_at_last(self, request: ReadRequest, seconds: float = 60.0) -> MediaAnswer:
        """Asks again and again, as the orchestrator does, until there is an answer."""

        async def answered() -> MediaAnswer | None:
            try:
                answer, _ = await self.ask(Verb.READ, request, 3.0)
            except TimeoutError:
                return None
            return answer if isinstance(answer, MediaAnswer) else None

        found: MediaAnswer = await eventually(answered, "an answer", seconds, every=0.2)
        return found

    def script(self, **words: str) -> None:
        """What the engines do from now on."""
        for part, word in words.items():
            (self.engines / part).write_text(word)

    def calls(self, part: str, tenant: str = "") -> int:
        """How often an engine was called."""
        path = self.engines / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return sum(line.startswith(f"{part} {tenant}") for line in lines)

    async def fetches(self) -> float:
        """Downloads that ended well, as the service counts them."""
        return await self.metric('munshi_media_fetches_total{outcome="done"}')

    async def metric(self, series: str) -> float:
        """One figure of the service."""
        assert self.service is not None
        url = f"{self.service.url}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            text = await answer.text()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(series))


class NobodyListens(TimeoutError):
    """The service has not subscribed yet, or no longer: nobody took the request."""


async def heard(
    connection: Connection,
    verb: Verb,
    request: BaseModel,
    seconds: float,
    progress: list[MediaProgress] | None = None,
) -> Heard:
    """Asks over an open connection; what comes before the end is added to `progress` at once."""
    inbox = connection.client.new_inbox()
    subscription = await connection.client.subscribe(inbox)
    progress = [] if progress is None else progress
    try:
        subject = media(connection.cell.name, verb.value)
        await connection.client.publish(subject, request.model_dump_json().encode(), reply=inbox)
        while True:
            message = await subscription.next_msg(timeout=seconds)
            if not message.data:
                raise NobodyListens
            said = orjson.loads(message.data)
            if said["state"] == "done":
                return MediaAnswer.model_validate(said), progress
            if said["state"] == "failed":
                return MediaFailure.model_validate(said), progress
            progress.append(MediaProgress.model_validate(said))
    finally:
        await subscription.unsubscribe()


def make_engines(folder: Path, *groups: str) -> Path:
    """A folder that, put on the path, stands in for the installed engines: those groups, scripted."""
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "scripted_engines.py", folder)
    info = folder / "munshi_inference-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: munshi-inference\nVersion: 9\n")
    points = [f"[munshi.readers.{group}]\ndefault = scripted_engines:{group}\n" for group in groups]
    (info / "entry_points.txt").write_text("\n".join(points))
    for group in groups:
        (folder / group).write_text("well")
    return folder


def original(answer: MediaAnswer) -> Stored:
    """What was kept."""
    assert answer.original is not None, answer
    return answer.original
