"""What the orchestrator's benchmarks stand on: servers, tenants, a stub Graph, and messages on the bus."""

import asyncio
import functools
import itertools
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from munshi.bus.connection import Connection, connect
from munshi.cells import load_cell
from munshi.contracts.events import HEADER_ID, Envelope, Kind, Person
from munshi.contracts.ids import PhoneNumberID
from munshi.contracts.subjects import inbound, partition_of
from munshi.contracts.tenant import POOL, Credentials, TenantEntry
from munshi.sealing import conversation_key
from rig.cells import Cells, credentials, tenant_document
from rig.fixtures import migrated_database, run_as_superuser
from rig.ports import free_port
from rig.servers import Servers
from rig.services import Service, Services

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = tuple(f"10654035224{number:04d}" for number in range(8))
DATABASE = "bench"


@dataclass
class BenchStage:
    """Everything but the workers."""

    cells: Cells
    services: Services
    connection: Connection
    graph_url: str
    session: aiohttp.ClientSession
    shops: list[tuple[TenantEntry, Credentials]] = field(default_factory=list)
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    def worker(self, meter: Path | None = None) -> Service:
        """One orchestrator, ready; with `meter`, one that writes there what its assistants took."""
        environment, module = self._environment, None
        if meter is not None:
            environment |= {"BENCH_METER": str(meter), "PYTHONPATH": str(ROOT)}
            module = "bench._metered_worker"
        return self.services.start("orchestrator", environment, module=module).wait_ready()

    def beside(self, name: str, python: str, core: int) -> Service:
        """One orchestrator of another name, on one core, run by any `python` that has Munshi."""
        environment = self._environment | {"MUNSHI_WORKER": name}
        pin = functools.partial(os.sched_setaffinity, 0, {core})
        return self.services.start("orchestrator", environment, before=pin, python=python).wait_ready()

    async def figure(self, worker: Service, series: str) -> float:
        """The sum of what a worker's metrics say under a name."""
        async with self.session.get(f"{worker.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return sum(float(value) for name, _, value in found if name.partition("{")[0] == series)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "MUNSHI_WORKER": "bench",
            "MUNSHI_CELLS_DIR": str(self.cells.folder),
            "MUNSHI_GRAPH_URL": self.graph_url,
            "MUNSHI_NUMBER_RATE": "1000",
        }

    async def put(self, text: str, people: int, each: int, run: str) -> None:
        """Puts `each` messages of every person on the bus, round by round; `{}` becomes a number."""
        bus = self.connection.client.jetstream()
        for _ in range(each):
            await asyncio.gather(*(self._say(bus, text, person, run) for person in range(people)))

    async def _say(self, bus: object, text: str, person: int, run: str) -> None:
        entry, secrets = self.shops[person % len(self.shops)]
        number = PhoneNumberID(entry.spec.whatsapp.phone_numbers[0].phone_number_id)
        # Another person each round of the benchmark, so that Meta's limit of a pair plays no part.
        phone = f"91{abs(hash(run)) % 10_000:04d}{person:06d}"
        now = datetime.now(UTC)
        count = next(self.ids)
        wamid = f"wamid.HBgMOTE5ODIwMDAwMDAwFQIAEhggQTBCMUMyRDNFNEY1{count:012d}"
        envelope = Envelope(
            tenant=entry.key,
            kind=Kind.MESSAGE,
            id=wamid,
            phone_number_id=number,
            person=Person(phone=phone, name="Ravi"),
            at=now,
            received_at=now,
            raw={"id": wamid, "from": phone, "type": "text", "text": {"body": text.format(100 + count)}},
        )
        key = conversation_key(bytes.fromhex(secrets.lookup_key.get_secret_value()), number, None, phone)
        cell = self.connection.cell
        subject = inbound(cell.name, entry.key, partition_of(key, cell.partitions), key)
        headers = {HEADER_ID: f"{entry.key}:{wamid}"}
        await bus.publish(subject, envelope.model_dump_json().encode(), headers=headers)  # type: ignore[attr-defined]

    async def until_stub(self, seconds: float = 30.0) -> None:
        """Waits until the stub answers."""
        end = time.monotonic() + seconds
        while True:
            try:
                await self.accepted()
            except aiohttp.ClientConnectionError:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.05)
            else:
                return

    async def accepted(self) -> int:
        """Messages that the stub has accepted."""
        async with self.session.get(f"{self.graph_url}/count") as answer:
            return int(await answer.json())

    async def until_accepted(self, count: int, seconds: float = 120.0) -> int:
        """Waits for at least so many; gives back how many there are."""
        end = time.monotonic() + seconds
        while (now := await self.accepted()) < count:
            if time.monotonic() > end:
                raise RuntimeError(f"{now} of {count} replies after {seconds} s")
            await asyncio.sleep(0.02)
        return now

    async def times(self) -> dict[str, float]:
        """When the reply to each message was accepted."""
        async with self.session.get(f"{self.graph_url}/times") as answer:
            found: dict[str, float] = await answer.json()
            return found


@asynccontextmanager
async def bench_stage(folder: Path) -> AsyncIterator[BenchStage]:
    """An open stage: eight pooled shops with a number each."""
    servers = Servers(folder / "servers")
    services = Services(folder / "services")
    port = free_port()
    graph: subprocess.Popen[bytes] | None = None
    try:
        servers.start()
        await migrated_database(servers, DATABASE)
        await run_as_superuser(servers, f"alter database {DATABASE} set synchronous_commit = on")
        graph = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-m", "bench._stub_graph", str(port)],
            cwd=ROOT,
            env={**os.environ},
        )
        cells = Cells(servers, folder / "cells", servers.admin_url(DATABASE))
        limits = {"messagesPerSecondPerCustomer": 100, "messagesPerDayPerCustomer": 1_000_000}
        shops = []
        for index, number in enumerate(NUMBERS):
            secrets = credentials()
            document = tenant_document(
                name=f"shop-{index}",
                phone_number_id=number,
                limits={**limits, "transactionsPerMonth": 1_000_000},
            )
            shops.append((await cells.put_tenant(document, secrets), secrets))
        connection = await connect(load_cell(cells.folder / POOL), "bench")
        async with aiohttp.ClientSession() as session:
            stage = BenchStage(cells, services, connection, f"http://127.0.0.1:{port}", session, shops)
            await stage.until_stub()
            yield stage
        await connection.close()
    finally:
        services.stop_all()
        if graph is not None:
            graph.kill()
            graph.wait()
        servers.stop()
