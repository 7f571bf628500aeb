"""Everything at once: servers, emulator, ingress and orchestrators as processes, each to be killed and
started."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from nats.errors import Error as NatsError

from munshi.bus.connection import connected
from munshi.cells import load_cells
from munshi.contracts.subjects import event_stream
from munshi_emulator.client import EmulatorClient, EmulatorError
from munshi_emulator.testing import EmulatorProcess
from rig.cells import ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN, Cells, tenant_document
from rig.fixtures import migrated_database, run_as_superuser
from rig.servers import Servers
from rig.services import Service, Services

NUMBERS = ("106540352242901", "106540352242902", "106540352242903")
DATABASE = "munshi"
SETTLE_SECONDS = 30


@dataclass
class Theatre:
    """The whole message path. What it starts is gone when it is closed."""

    folder: Path
    servers: Servers
    emulator: EmulatorProcess
    cells: Cells
    services: Services
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of PostgreSQL, ingress and the workers, beside their own."""
    ingress: Service | None = None
    workers: dict[str, Service] = field(default_factory=dict)

    async def open(self, workers: Sequence[str] = ("one", "two")) -> None:
        """Starts everything: three tenants, two pooled and one with a cell of its own."""
        if self.environment:
            # By `env` and not by the process's environment: it holds for the server alone, not for what
            # changes the user before.
            given = [f"{name}={value}" for name, value in self.environment.items()]
            database = self.servers.postgres
            database.spec = replace(database.spec, argv=("/usr/bin/env", *given, *database.spec.argv))
        await asyncio.to_thread(self.servers.start)
        await migrated_database(self.servers, DATABASE)
        # The rig's PostgreSQL loses commits when it is killed, for speed; a real one does not.
        await run_as_superuser(self.servers, f"alter database {DATABASE} set synchronous_commit = on")
        limits = {"messagesPerSecondPerCustomer": 100, "messagesPerDayPerCustomer": 100_000}
        for index, number in enumerate(NUMBERS):
            isolation = "Dedicated" if index == len(NUMBERS) - 1 else "Pooled"
            document = tenant_document(
                name=f"shop-{index}",
                phone_number_id=number,
                isolation=isolation,
                limits={**limits, "transactionsPerMonth": 1_000_000},
            )
            await self.cells.put_tenant(document)
        self.ingress = self.services.start(
            "ingress", {**self.environment, "MUNSHI_CELLS_DIR": str(self.cells.folder)}
        )
        await asyncio.to_thread(self.ingress.wait_ready)
        await self.emulator.start()
        async with self.emulator.client() as client:
            for index, number in enumerate(NUMBERS):
                await client.put_number(
                    number,
                    waba_id="102290129340398",
                    display_phone_number=f"+91 98200 0000{index}",
                    verified_name=f"Shop {index}",
                    app_secret=APP_SECRET,
                    access_tokens=[ACCESS_TOKEN],
                    verify_token=VERIFY_TOKEN,
                    webhook_url=f"{self.ingress.url}/webhooks/whatsapp/shops_shop-{index}",
                    throughput=100_000,
                    pair_limit=False,
                )
            await client.knobs(sent_ms=20, delivered_ms=60, read_ms=120)
        for name in workers:
            self.start_worker(name)
        for worker in self.workers.values():
            await asyncio.to_thread(worker.wait_ready)

    def start_worker(self, name: str, **settings: str) -> Service:
        """Starts an orchestrator."""
        environment = {
            **self.environment,
            "MUNSHI_WORKER": name,
            "MUNSHI_CELLS_DIR": str(self.cells.folder),
            "MUNSHI_GRAPH_URL": self.emulator.url,
            "MUNSHI_LEASE_SECONDS": "2",
            "MUNSHI_HEARTBEAT_SECONDS": "0.3",
            "MUNSHI_SETTLE_AFTER_SECONDS": str(SETTLE_SECONDS),
            "MUNSHI_SEND_SECONDS": "3",
            "MUNSHI_NUMBER_RATE": "100000",
            "MUNSHI_STOP_SECONDS": "10",
            # A worker is killed every other second here, and each time a message is in work.
            "MUNSHI_TURN_TRIES": "30",
            **{f"MUNSHI_{key.upper()}": value for key, value in settings.items()},
        }
        self.workers[name] = self.services.start("orchestrator", environment)
        return self.workers[name]

    def close(self) -> None:
        """Ends all of it."""
        self.services.stop_all()
        self.emulator.kill()
        self.servers.stop()

    async def until(
        self, check: Callable[[EmulatorClient, asyncpg.Connection], Awaitable[Any]], seconds: float, what: str
    ) -> Any:
        """The first true answer of `check`, whatever dies meanwhile; fails when none came in time."""
        last: object = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        database = await asyncpg.connect(self.servers.admin_url(DATABASE), timeout=3)
                        try:
                            async with self.emulator.client() as client:
                                last = await check(client, database)
                        finally:
                            await database.close(timeout=1)
                    except PASSING as error:
                        last = error
                    else:
                        if last:
                            return last
                    await asyncio.sleep(0.2)
        except TimeoutError:
            seen = await self._seen()
            raise AssertionError(
                f"not within {seconds} s: {what}; the last answer was {last!r}\n{seen}"
            ) from None

    async def _seen(self) -> str:
        """Who owns what and what lies where, for a failure's message."""
        lines = []
        database = await asyncpg.connect(self.servers.admin_url(DATABASE), timeout=3)
        try:
            for table in ("lanes", "workers"):
                lines += [f"{table}: {dict(row)}" for row in await database.fetch(f"select * from {table}")]
            waiting = "select tenant, id, lane, state, attempts, fence, error_detail, sending_at from outbox"
            where = "where state in ('queued', 'sending', 'unsettled')"
            lines += [f"outbox: {dict(row)}" for row in await database.fetch(f"{waiting} {where}")]
        finally:
            await database.close(timeout=1)
        for cell in load_cells(self.cells.folder).values():
            async with connected(cell, "theatre") as connection:
                for info in await connection.client.jetstream().consumers_info(event_stream(cell.name)):
                    if info.num_pending or info.num_ack_pending:
                        lines.append(
                            f"{cell.name} {info.name}: {info.num_pending} pending, "
                            f"{info.num_ack_pending} not acked, {info.num_waiting} requests"
                        )
        for name, worker in self.workers.items():
            log = worker.log
            defects = [line[:2000] for line in log.splitlines() if '"exception"' in line]
            lines += [f"--- {name}: defects", *defects[-5:], f"--- {name}: the end of its log", log[-3000:]]
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{worker.url}/metrics") as answer,
            ):
                lines += [line for line in (await answer.text()).splitlines() if _telling(line)]
        return "\n".join(lines)

    async def pending(self) -> int:
        """Events on all buses."""
        left = 0
        for cell in load_cells(self.cells.folder).values():
            async with connected(cell, "theatre") as connection:
                bus = connection.client.jetstream()
                left += (await bus.stream_info(event_stream(cell.name))).state.messages
        return left

    async def quiet(self, seconds: float) -> None:
        """Waits until nothing is on its way any more: webhooks, events, replies, statuses."""

        async def check(client: EmulatorClient, database: asyncpg.Connection) -> bool:
            # Twice: a message may go on between two looks, always to where one is still to come. Its way is
            # webhook, bus, outbox, and for its status webhook and bus again: two rounds look in that order.
            for _ in range(2):
                left = await database.fetchval(
                    "select count(*) from outbox where state in ('queued', 'sending', 'unsettled')"
                )
                waiting = (await client.counts())["waiting"]
                pending = await self.pending()
                if left or waiting or pending:
                    raise _Busy(f"outbox {left}, webhooks {waiting}, bus {pending}")
            return True

        await self.until(check, seconds, "everything to come to rest")


def _telling(line: str) -> bool:
    return line.startswith(("munshi_queue_", "munshi_conversations_", "munshi_outbox_", "munshi_lanes"))


class _Busy(Exception):
    """Something is still on its way."""


PASSING: tuple[type[Exception], ...] = (
    _Busy,
    OSError,
    TimeoutError,
    NatsError,
    aiohttp.ClientError,
    EmulatorError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)


@contextlib.asynccontextmanager
async def theatre(
    folder: Path, workers: Sequence[str] = ("one", "two"), environment: Mapping[str, str] | None = None
) -> AsyncIterator[Theatre]:
    """An open theatre."""
    servers = Servers(folder / "servers")
    stage = Theatre(
        folder,
        servers,
        EmulatorProcess(folder / "emulator", retry_max_seconds=0.5, silence_seconds=5),
        Cells(servers, folder / "cells", servers.admin_url(DATABASE)),
        Services(folder / "services"),
        environment or {},
    )
    try:
        await stage.open(workers)
        yield stage
    finally:
        await asyncio.to_thread(stage.close)


@dataclass
class Chaos:
    """Kills one process after the other, at random moments, and starts it again.

    Two times of three only what works dies: killing faster than a machine can start processes would show how
    slow the machine is and nothing else.
    """

    stage: Theatre
    random: random.Random
    kills: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Until cancelled; the victim of the moment is started again even then."""
        while True:
            await asyncio.sleep(self.random.uniform(0.2, 1.5))
            name = self.random.choice(
                ["postgres", "nats", "emulator", "ingress", "worker", "worker", "scale"]
            )
            strike = asyncio.create_task(self._strike(name))
            try:
                await asyncio.shield(strike)
            except asyncio.CancelledError:
                await strike
                raise

    async def _strike(self, name: str) -> None:
        stage, down = self.stage, self.random.uniform(0.0, 0.8)
        match name:
            case "postgres" | "nats":
                server = stage.servers.postgres if name == "postgres" else stage.servers.nats
                server.kill()
                await asyncio.sleep(down)
                await asyncio.to_thread(server.start)
            case "emulator":
                stage.emulator.kill()
                await asyncio.sleep(down)
                await stage.emulator.start()
            case "ingress" | "worker":
                assert stage.ingress is not None
                worker = stage.workers[self.random.choice(sorted(stage.workers))]
                victim = stage.ingress if name == "ingress" else worker
                spared = self.random.random() < 2 / 3
                if spared and not await asyncio.to_thread(victim.answers, "/readyz"):
                    return
                victim.kill()
                await asyncio.sleep(down)
                victim.start()
            case "scale":
                await self._scale()
        self.kills[name] += 1

    async def _scale(self) -> None:
        """A third worker comes, or goes in an orderly way."""
        third = self.stage.workers.pop("three", None)
        if third is None:
            self.stage.start_worker("three")
        else:
            await asyncio.to_thread(third.stop)
