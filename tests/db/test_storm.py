"""Many senders, lost answers, lost owners, late statuses: every reply leaves once, and in its order."""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field, replace

import asyncpg
import pytest

from munshi.contracts.ids import MessageID
from munshi.contracts.tenant import POOL
from munshi.db.lanes import Lanes, PendingConversation, Taken
from munshi.db.outbox import Claim, Claimed, ClaimRules, Empty, Outbox, SendResult, Status
from munshi.db.turns import Committed, PairLimit

from .conftest import SHARMA, VERMA, Cells
from .scenes import Talk, identity, message, now, take, text

RULES = ClaimRules(PairLimit(burst=10_000), settle_after_seconds=600)
TALKS = 6
TURNS = 8


@dataclass
class Meta:
    """The other side: keeps what arrives, in order, and tells of it later, in any order."""

    outbox: Outbox
    dice: random.Random
    arrived: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    untold: list[Status] = field(default_factory=list)

    def receive(self, tenant: str, conversation: int, row: Claimed) -> MessageID:
        """A message that was accepted."""
        wamid = MessageID(f"wamid.{tenant}.{row.id}.{row.attempt}")
        self.arrived[conversation].append(row.body["text"]["body"])
        for name in ("sent", "delivered"):
            self.untold.append(Status(tenant, wamid, name, now(), row.id))  # type: ignore[arg-type]
        return wamid

    async def tell(self) -> None:
        """Some of the statuses, shuffled, some of them twice."""
        self.dice.shuffle(self.untold)
        told, self.untold = self.untold[:6], self.untold[6:]
        if told:
            await self.outbox.apply_statuses([*told, *self.dice.sample(told, len(told) // 2)])


async def deliver(cells: Cells, meta: Meta, worker: str, dice: random.Random) -> int:
    """One life of a sender: takes the lane over, sends for a while, dies at any moment. -> what is left"""
    lanes, outbox = Lanes(cells.pool, POOL, worker), Outbox(cells.pool)
    await lanes.heartbeat(60)
    taken = await lanes.take(0)
    assert isinstance(taken, Taken)
    pending = await lanes.pending(taken.lane, taken.fence)
    if not isinstance(pending, tuple):
        return -1  # fenced out already
    life = dice.randint(1, 25)
    left = 0
    for one in pending:
        while life > 0:
            life -= 1
            done = await outbox.claim(one.tenant, taken.lane, taken.fence, one.conversation_id, RULES)
            if not isinstance(done, Claim):
                return -1
            if not isinstance(done.outcome, Claimed):
                left += not isinstance(done.outcome, Empty)
                break
            await send(outbox, meta, one, taken.fence, done.outcome)
        else:
            left += 1
    return left


async def send(outbox: Outbox, meta: Meta, one: PendingConversation, fence: int, row: Claimed) -> None:
    """A call to Meta that may be refused, whose answer may be lost, or after which the sender dies."""
    fates = ("ok", "ok", "refused", "answer lost", "dies after", "dies before the answer counts")
    what = meta.dice.choice(fates)
    told = SendResult(one.tenant, row.id, row.attempt, fence, "sent")
    if what == "refused":
        await outbox.settle([replace(told, result="retry", retry_in=0.0)])
        return
    wamid = meta.receive(one.tenant, one.conversation_id, row)
    if what == "ok":
        await outbox.settle([replace(told, wamid=wamid)])
    elif what == "answer lost":
        await outbox.settle([replace(told, result="unsettled")])
    elif what == "dies before the answer counts":
        await outbox.apply_statuses([Status(one.tenant, wamid, "sent", now(), row.id)])
        await outbox.settle([replace(told, wamid=wamid)])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_reply_leaves_once_and_in_order(
    cells: Cells, admin: asyncpg.Connection, seed: int
) -> None:
    dice = random.Random(seed)
    held = await take(cells.pool)
    meta = Meta(Outbox(cells.pool), dice)
    wanted: dict[int, list[str]] = defaultdict(list)
    for number in range(TALKS):
        tenant = (SHARMA, VERMA)[number % 2]
        one = Talk(cells.pool, tenant, held.lane, held.fence, who=(identity(f"person {number}"),))
        for turn in range(TURNS):
            bodies = [f"{number}.{turn}.{part}" for part in range(dice.randint(1, 3))]
            replies = tuple(text(body) for body in bodies)
            prepared = await one.turn(message(f"wamid.{number}.{turn}"), replies=replies)
            done = await one.commit(prepared)
            assert isinstance(done, Committed)
            wanted[done.conversation_id].extend(bodies)

    async with asyncio.timeout(200):
        left = 1
        while left or meta.untold:
            lives = [deliver(cells, meta, "w1", dice) for _ in range(dice.randint(1, 3))]
            results = await asyncio.gather(*lives, meta.tell())
            counts = [count for count in results if count is not None and count >= 0]
            left = min(counts, default=1)
    assert meta.arrived == wanted
    states = await admin.fetch("SELECT DISTINCT state FROM outbox")
    assert {row["state"] for row in states} == {"delivered"}
    assert await admin.fetchval("SELECT count(DISTINCT wamid) FROM outbox") == sum(map(len, wanted.values()))
