"""A tenant moves between its own cell and the pool, with the real orchestrator on both sides.

What a shopkeeper wrote is answered once and in order: what waited before the move, what came during it to
either cell, and what came after it.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from munshi.contracts.events import HEADER_ID, Envelope, Kind, Person
from munshi.contracts.ids import CellName, PhoneNumberID, TenantKey
from munshi.contracts.subjects import dead, dead_stream, inbound, partition_of
from munshi.contracts.tenant import POOL
from munshi.sealing import conversation_key
from munshi_operator.types import Served
from orchestrator.stage import NUMBER, PATIENT, Sent, StubGraph, refusal, stub_graph
from rig.outside import MASTER, Rig, moved, write_folder
from rig.services import Service, Services
from rig.waiting import eventually

KEY = TenantKey("shops_sharma")
OWN = CellName(KEY)
PHONES = [f"9198000000{number:02d}" for number in range(4)]


@dataclass
class Move:
    """A tenant with a hundred messages a second allowed, and workers of either cell."""

    rig: Rig
    services: Services
    graph: StubGraph
    old: CellName
    new: CellName
    asked: dict[str, list[str]] = field(default_factory=lambda: {phone: [] for phone in PHONES})
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def want(self, cell: CellName, *, hibernated: bool = False, phase: str = "Moving") -> Served:
        """The tenant as the engine asks for it in a cell."""
        isolation = "Pooled" if cell == POOL else "Dedicated"
        want = self.rig.want(
            "sharma",
            isolation,
            hibernated=hibernated,
            number=NUMBER,
            limits={"messagesPerSecondPerCustomer": 100},
        )
        return moved(want, phase=phase, cell=self.old)

    async def worker(self, cell: CellName, *, wait: bool = True) -> Service:
        """An orchestrator of one cell."""
        folder = self.rig.folder / f"work-{cell}"
        write_folder(folder, await self.rig.outside.access(cell), "orchestrator")
        service = self.services.start(
            "orchestrator",
            {
                "MUNSHI_WORKER": f"of-{cell}",
                "MUNSHI_CELLS_DIR": str(folder),
                "MUNSHI_GRAPH_URL": self.graph.url,
                **PATIENT,
                "MUNSHI_HEARTBEAT_SECONDS": "0.2",
                "MUNSHI_NUMBER_RATE": "10000",
                "MUNSHI_SETTLE_AFTER_SECONDS": "5",
            },
        )
        return await asyncio.to_thread(service.wait_ready) if wait else service

    async def say(self, cell: CellName, count: int = 1) -> None:
        """Everybody says so many things, which ingress of that cell keeps."""
        for _ in range(count):
            for phone in PHONES:
                await self.say_one(cell, phone)

    async def say_one(self, cell: CellName, phone: str) -> None:
        """One person says one thing."""
        number = next(self.ids)
        text = {"type": "text", "text": {"body": f"Ramesh ko {100 + number} udhaar diya"}}
        await self._put(cell, phone, Kind.MESSAGE, f"wamid.IN{number:05d}", text)
        self.asked[phone].append(f"wamid.IN{number:05d}")

    async def tell_delivered(self, sent: Sent) -> None:
        """The status of a sent message, which comes to the new cell."""
        raw = {
            "id": sent.wamid,
            "status": "delivered",
            "recipient_id": sent.to,
            "biz_opaque_callback_data": sent.body["biz_opaque_callback_data"],
        }
        await self._put(self.new, sent.to, Kind.STATUS, f"{sent.wamid}:delivered", raw)

    async def _put(self, cell: CellName, phone: str, kind: Kind, name: str, raw: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        envelope = Envelope(
            tenant=KEY,
            kind=kind,
            id=name,
            phone_number_id=PhoneNumberID(NUMBER),
            person=Person(bsuid=None, phone=phone, name="Ravi"),
            at=now,
            received_at=now,
            raw={"id": name, "timestamp": str(int(now.timestamp())), **raw},
        )
        talk = conversation_key(bytes.fromhex(MASTER.tenant(KEY).lookup_key), NUMBER, None, phone)
        access = await self.rig.outside.access(cell)
        subject = inbound(cell, KEY, partition_of(talk, access.partitions), talk)
        async with self.rig.admin_of(cell) as client:
            await client.jetstream().publish(
                subject, envelope.model_dump_json().encode(), headers={HEADER_ID: f"{KEY}:{name}"}
            )

    async def all_answered(self) -> None:
        """Waits until nothing is left anywhere, and compares question by question."""

        async def quiet() -> bool:
            events = [(await self.rig.outside.observe_backlog(cell, KEY)).events for cell in (POOL, OWN)]
            left = await self.rig.db.fetchval(
                "select count(*) from outbox where state in ('queued', 'sending', 'unsettled')"
            )
            return not any(events) and left == 0

        await eventually(quiet)
        for phone in PHONES:
            answered = [sent.body["context"]["message_id"] for sent in self.graph.to(phone)]
            assert answered == self.asked[phone]
        total = sum(len(asked) for asked in self.asked.values())
        assert await self.rig.db.fetchval("select count(*) from transactions") == total

    async def hand_over(self) -> None:
        """As the engine does it, from the moment when the route leads to the new cell."""
        outside = self.rig.outside
        await outside.ensure(self.want(self.old, hibernated=True))
        await outside.withdraw(self.want(self.old, hibernated=True))
        await outside.move_rights(KEY, self.old, self.new)
        await outside.ensure(self.want(self.new))


@pytest.fixture(params=["to the pool", "to its own cell"])
async def move(rig: Rig, services: Services, request: pytest.FixtureRequest) -> AsyncIterator[Move]:
    """A tenant in one of the two, before its move to the other."""
    old, new = (OWN, POOL) if request.param == "to the pool" else (POOL, OWN)
    rig.made.add(OWN)
    rig.outside.settle_seconds = 2.5
    async with stub_graph() as graph:
        made = Move(rig, services, graph, old, new)
        await rig.outside.ensure(made.want(old))
        yield made
        services.stop_all()


async def test_what_waited_and_what_came_is_answered_once_and_in_order(move: Move) -> None:
    """The old cell never got to work, and webhooks reach either cell in turns: nothing may change places."""
    await move.say(move.old, 3)
    await move.rig.outside.ensure(move.want(move.new, hibernated=True))
    await move.say(move.old, 2)
    await move.worker(move.new)
    await move.say(move.new, 3)
    await move.hand_over()
    await move.say(move.new, 2)
    await move.all_answered()


async def test_a_move_under_work_on_both_sides(move: Move) -> None:
    outside = move.rig.outside
    await move.worker(move.old)
    await move.say(move.old, 2)
    await outside.ensure(move.want(move.new, hibernated=True))
    await move.worker(move.new)
    await move.say(move.old, 2)

    async def drained() -> bool:
        backlog = await outside.observe_backlog(move.old, KEY)
        return (backlog.events, backlog.sending) == (0, 0)

    await eventually(drained)
    await move.say(move.new, 2)
    await move.hand_over()
    await move.say(move.new, 2)
    await move.all_answered()


async def test_replies_that_wait_go_along(move: Move) -> None:
    """Rows under a lane of the old cell, held by a paused number, are found and sent by the new one."""

    async def refuse(sent: Sent) -> object:
        del sent
        return refusal(190, 401)

    move.graph.script = refuse  # type: ignore[assignment]  # answers are of one kind here
    worker = await move.worker(move.old)
    await move.say(move.old)

    async def held() -> bool:
        backlog = await move.rig.outside.observe_backlog(move.old, KEY)
        return (backlog.events, backlog.sending) == (0, len(PHONES))

    await eventually(held)
    await move.rig.outside.ensure(move.want(move.new, hibernated=True))
    await move.hand_over()
    assert await asyncio.to_thread(worker.stop) == 0
    assert (await move.rig.outside.observe_backlog(move.old, KEY)).sending == 0
    assert (await move.rig.outside.observe_backlog(move.new, KEY)).sending == len(PHONES)
    move.graph.script = None
    await move.rig.db.execute("update numbers set paused_reason = null, paused_until = null")
    await move.worker(move.new)
    await move.all_answered()


async def test_a_row_that_was_being_sent_is_not_sent_again_when_its_status_comes(move: Move) -> None:
    """The old worker dies between the call and its end; the row waits for its status under the new cell."""
    worker = await move.worker(move.old)

    async def die(sent: Sent) -> None:
        del sent
        worker.kill()

    move.graph.script = die
    await move.say_one(move.old, PHONES[0])

    async def killed() -> bool:
        return len(move.graph.sent) == 1

    await eventually(killed)
    move.graph.script = None
    await move.rig.outside.ensure(move.want(move.new, hibernated=True))
    await move.hand_over()
    rows = await move.rig.db.fetch("select state, split_part(lane, '/', 1) as cell from outbox")
    assert [(row["state"], row["cell"]) for row in rows] == [("unsettled", move.new)]
    await move.tell_delivered(move.graph.sent[0])
    await move.worker(move.new)

    async def settled() -> bool:
        return bool(await move.rig.db.fetchval("select state = 'delivered' from outbox"))

    await eventually(settled)
    await move.all_answered()


async def test_a_move_that_stops_anywhere_goes_on_when_it_is_run_again(move: Move) -> None:
    outside = move.rig.outside
    await move.say(move.old, 2)
    await outside.ensure(move.want(move.new, hibernated=True))
    await move.say(move.new, 1)
    for _ in range(2):  # each step twice, as after a crash behind it
        await outside.withdraw(move.want(move.old, hibernated=True))
    for _ in range(2):
        await outside.move_rights(KEY, move.old, move.new)
    await move.hand_over()
    await move.worker(move.new)
    await move.all_answered()


async def test_dead_letters_go_along_and_the_old_cell_goes(move: Move) -> None:
    outside = move.rig.outside
    async with move.rig.admin_of(move.old) as client:
        await client.jetstream().publish(dead(move.old, KEY), b"{}")
    await outside.ensure(move.want(move.new, hibernated=True))
    await move.hand_over()
    async with move.rig.admin_of(move.new) as client:
        info = await client.jetstream().stream_info(
            dead_stream(move.new), subjects_filter=dead(move.new, KEY)
        )
        assert info.state.subjects == {dead(move.new, KEY): 1}
    done = move.want(move.new, phase="Ready")
    await outside.ensure(moved(done, phase="Ready", cell=move.new))
    cells = {row["cell"] for row in await move.rig.db.fetch("select cell from cells")}
    assert cells == ({POOL} if move.new == POOL else {POOL, OWN})
    account = await outside.accounts.look_up(outside.planner.cell(OWN).account)
    assert (account is None) == (move.new == POOL)


async def test_a_straggler_in_the_pool_is_found_at_the_next_look(move: Move) -> None:
    """Ingress of the pool may keep a webhook more before it sees that the entry is gone."""
    await move.rig.outside.ensure(move.want(move.new, hibernated=True))
    await move.hand_over()
    if move.old == POOL:
        await move.say(POOL)
    await move.rig.outside.ensure(moved(move.want(move.new), phase="Ready", cell=move.new))
    await move.worker(move.new)
    await move.all_answered()
