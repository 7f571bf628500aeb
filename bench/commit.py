"""What a turn costs at the database: `load_turn`, `commit_turn` and what follows, through `munshi.db`.

A server of its own out of the wheel, fsync on. `client` is this process's CPU time a call, `server` the CPU
time of the server's processes a call, both over many calls on many connections, medians of the rounds; `p50`
is the wall time of one call on an idle server.
"""

import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import uvloop

from munshi.contracts.assistant import AddEntry, Source
from munshi.contracts.ids import LaneID, MessageID, OutboxID, PhoneNumberID, TenantKey
from munshi.contracts.tenant import POOL
from munshi.contracts.understanding import Category, Language
from munshi.db.admin import create_cell_role, upsert_tenant
from munshi.db.connection import Pool, open_pool
from munshi.db.lanes import Lanes, Taken
from munshi.db.outbox import ClaimRules, Outbox, SendResult, Status
from munshi.db.turns import Committed, Identity, Message, NewReply, TurnCommit, Turns
from munshi_migrations import Bootstrap, bootstrap, upgrade
from munshi_migrations.bootstrap import address_as

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))

from rig.cells import tenant_document  # noqa: E402
from rig.servers import Servers  # noqa: E402

TENANT = TenantKey("shops_bench")
NUMBER = PhoneNumberID("106540352242922")
PEOPLE = 2_000
CONNECTIONS = 16
ROUNDS = 3
ALONE = 300


@dataclass
class Scene:
    """A lane, people who talk in it, and what they did so far."""

    pool: Pool
    lane: LaneID
    fence: int
    count: int = 0
    at: dict[int, Committed] = field(default_factory=dict)
    claimed: list[OutboxID] = field(default_factory=list)
    sent: list[OutboxID] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The doors that are measured."""
        self.turns, self.outbox = Turns(self.pool), Outbox(self.pool)

    def identities(self, person: int) -> list[Identity]:
        """A BSUID and a phone, as most events bring."""
        key = person.to_bytes(32, "big")
        return [Identity("bsuid", key, key * 2), Identity("phone", key, key * 2)]

    def message_id(self) -> MessageID:
        """A fresh one, as long as Meta's."""
        self.count += 1
        return MessageID(f"wamid.HBgMOTE5ODIwMDAwMDAwFQIAEhggQTBCMUMyRDNFNEY1{self.count:012d}")

    def turn(self, person: int) -> TurnCommit:
        """A turn with one entry and one reply."""
        at, message_id, last = datetime.now(UTC), self.message_id(), self.at.get(person)
        said = {"text": {"body": "Ramesh ko 500 ka maal udhaar diya"}}
        booked = AddEntry(
            ref=f"{message_id}#1",
            customer_name=f"Ramesh {self.count % 20}",
            description="maal",
            amount=Decimal("500.00"),
            currency="INR",
            category=Category.CREDIT,
            source=Source.TEXT,
            occurred_on=date(2026, 11, 21),
        )
        answer = {"type": "text", "text": {"body": "Likh liya: Ramesh, ₹500 udhaar."}}
        return TurnCommit(
            tenant=TENANT,
            lane=self.lane,
            fence=self.fence,
            phone_number_id=NUMBER,
            identities=self.identities(person),
            messages=[Message(message_id, "text", said, "turn", at, at)],
            conversation_id=last.conversation_id if last else None,
            version=last.version if last else None,
            person_name="Sharma",
            state={"last": {"ref": f"{message_id}#1", "intent": "add_transaction"}, "asked": None},
            language=Language(tag="hi", confidence=0.9),
            effects=[booked],
            replies=[NewReply(answer, message_id)],
            window_expires_at=at + timedelta(hours=24),
            throttle_tat=at,
            day=date(2026, 11, 21),
            day_count=1,
        )

    async def load(self, number: int) -> None:
        """One load."""
        person = number % PEOPLE
        found = await self.turns.load(TENANT, NUMBER, self.identities(person), [self.message_id()])
        assert found.conversation is not None

    async def commit(self, number: int) -> None:
        """One commit, with the reply taken for sending."""
        done = await self.turns.commit(self.turn(number % PEOPLE))
        assert isinstance(done, Committed), done
        self.at[number % PEOPLE] = done
        self.claimed.extend(row.id for row in done.outbox if row.claimed)

    async def settle(self, _: int) -> None:
        """One send that was accepted."""
        row = self.claimed.pop()
        told = SendResult(TENANT, row, 1, self.fence, "sent", wamid=MessageID(f"wamid.{row}"))
        assert await self.outbox.settle([told]) == ["sent"]
        self.sent.append(row)

    async def status(self, _: int) -> None:
        """One status."""
        row = self.sent.pop()
        told = Status(TENANT, MessageID(f"wamid.{row}"), "delivered", datetime.now(UTC), row)
        assert None not in await self.outbox.apply_statuses([told])

    async def claim(self, number: int) -> None:
        """One claim that finds nothing left."""
        conversation = self.at[number % PEOPLE].conversation_id
        await self.outbox.claim(TENANT, self.lane, self.fence, conversation, ClaimRules())

    def steps(self) -> dict[str, tuple[Callable[[int], Awaitable[None]], int]]:
        """Each call in the order of a round, and how often it can be made now."""
        return {
            "load_turn": (self.load, PEOPLE),
            "commit_turn": (self.commit, PEOPLE),
            "settle_outbox": (self.settle, len(self.claimed)),
            "apply_statuses": (self.status, len(self.sent)),
            "claim_outbox (empty)": (self.claim, PEOPLE),
        }


def server_cpu(root: psutil.Process) -> float:
    """CPU seconds of all processes of the server that are alive."""
    times = [process.cpu_times() for process in root.children(recursive=True)]
    return sum(time.user + time.system for time in times)


async def measured(
    server: psutil.Process, call: Callable[[int], Awaitable[None]], calls: int
) -> dict[str, float]:
    """Client CPU and server CPU a call in ms, and calls a second, on all connections."""
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            await call(number)

    before, began, wall = server_cpu(server), time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    spent, took = time.process_time() - began, time.perf_counter() - wall
    return {
        "client_ms": spent / calls * 1e3,
        "server_ms": (server_cpu(server) - before) / calls * 1e3,
        "per_s": calls / took,
    }


async def alone(call: Callable[[int], Awaitable[None]], calls: int) -> float:
    """Median wall time of one call in ms, one at a time."""
    times = []
    for number in range(calls):
        began = time.perf_counter()
        await call(number)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


async def open_scene(servers: Servers) -> Scene:
    """A fresh database with one tenant of the pool."""
    admin_url = await bootstrap(servers.admin_url(), Bootstrap("bench", "bench"))
    await upgrade(admin_url)
    admin = await asyncpg.connect(admin_url)
    role = await create_cell_role(admin, POOL, "bench")
    await upsert_tenant(admin, TENANT, tenant_document(name="bench").spec)
    await admin.close()
    url = address_as(servers.admin_url(), role.role, "bench", "bench")
    pool = await open_pool(url, name="bench", size=CONNECTIONS)
    lanes = Lanes(pool, POOL, "bench")
    await lanes.heartbeat(600)
    taken = await lanes.take(0)
    assert isinstance(taken, Taken)
    return Scene(pool, taken.lane, taken.fence)


async def warm_up(servers: Servers, server: psutil.Process, scene: Scene) -> None:
    """Everybody's first turn, and what autovacuum does within a minute of it.

    Until a table's first ANALYZE its plans are made for an empty one.
    """
    await measured(server, scene.commit, PEOPLE)
    await measured(server, scene.settle, len(scene.claimed))
    scene.sent.clear()
    superuser = await asyncpg.connect(servers.admin_url("bench"))
    await superuser.execute("ANALYZE")
    await superuser.close()


async def bench(servers: Servers) -> list[dict[str, Any]]:
    """All rows of the table."""
    assert servers.postgres.process is not None
    server = psutil.Process(servers.postgres.process.pid)
    scene = await open_scene(servers)
    await warm_up(servers, server, scene)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in scene.steps()}
    for _ in range(ROUNDS):
        for name, rounds in found.items():
            call, calls = scene.steps()[name]
            rounds.append(await measured(server, call, calls))
    rows = []
    for name, rounds in found.items():
        call, calls = scene.steps()[name]
        medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        rows.append({"call": name, **medians, "p50_ms": await alone(call, min(ALONE, calls))})
    await scene.pool.close()
    return rows


def durable(servers: Servers) -> None:
    """Takes back what the rig gives up for speed."""
    arguments = tuple(
        re.sub("^(fsync|synchronous_commit|full_page_writes)=off$", r"\1=on", argument)
        for argument in servers.postgres.spec.argv
    )
    servers.postgres.spec = replace(servers.postgres.spec, argv=arguments)


def main() -> None:
    """Runs, prints, writes `bench/results/commit.json`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        servers = Servers(Path(folder) / "servers")
        durable(servers)
        servers.start()
        try:
            rows = uvloop.run(bench(servers))
        finally:
            servers.stop()
    print(f"{CONNECTIONS} connections, {os.cpu_count()} cores, fsync on; medians of {ROUNDS} rounds")
    print(f"{'call':24}{'client ms':>10}{'server ms':>10}{'p50 ms':>8}{'calls/s':>9}")
    for row in rows:
        figures = f"{row['client_ms']:10.3f}{row['server_ms']:10.3f}{row['p50_ms']:8.2f}{row['per_s']:9.0f}"
        print(f"{row['call']:24}{figures}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "commit.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
