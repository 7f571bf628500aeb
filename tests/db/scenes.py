"""Shorthand for the turns that tests commit."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from munshi.contracts.assistant import AddEntry, Effect, Source
from munshi.contracts.ids import CellName, LaneID, MessageID, PhoneNumberID, TenantKey
from munshi.contracts.tenant import POOL
from munshi.contracts.understanding import Category
from munshi.db.connection import Pool
from munshi.db.lanes import Lanes, Taken
from munshi.db.turns import CommitResult, Committed, Identity, Message, NewReply, PairLimit, TurnCommit, Turns

NUMBER = PhoneNumberID("106540352242922")
OTHER_NUMBER = PhoneNumberID("106540352242923")


def identity(value: str, kind: Any = "phone") -> Identity:
    """An identity; its hash and sealed form are stand-ins of the right shape."""
    return Identity(kind, hashlib.sha256(f"{kind}:{value}".encode()).digest(), b"sealed:" + value.encode())


def now() -> datetime:
    """UTC."""
    return datetime.now(UTC)


def message(message_id: str, **changes: Any) -> Message:
    """An inbound text."""
    given: dict[str, Any] = {
        "id": MessageID(message_id),
        "type": "text",
        "body": {"text": {"body": message_id}},
        "disposition": "turn",
        "received_at": now(),
        "sent_at": now(),
        **changes,
    }
    return Message(**given)


def text(body: str, **changes: Any) -> NewReply:
    """A text reply."""
    return NewReply({"type": "text", "text": {"body": body}}, **changes)


def entry(ref: str, amount: str = "500", customer: str | None = "Ramesh", **changes: Any) -> AddEntry:
    """An entry given on account."""
    given: dict[str, Any] = {
        "ref": ref,
        "customer_name": customer,
        "description": "maal",
        "amount": Decimal(amount),
        "currency": "INR",
        "category": Category.CREDIT,
        "source": Source.TEXT,
        "occurred_on": date(2026, 11, 21),
        **changes,
    }
    return AddEntry(**given)


async def take(pool: Pool, partition: int = 0, worker: str = "w1", cell: CellName = POOL) -> Taken:
    """Takes a lane as a living worker."""
    lanes = Lanes(pool, cell, worker)
    await lanes.heartbeat(60)
    taken = await lanes.take(partition)
    assert isinstance(taken, Taken), taken
    return taken


@dataclass
class Talk:
    """One person's conversation, turn by turn."""

    pool: Pool
    tenant: TenantKey
    lane: LaneID
    fence: int
    who: Sequence[Identity] = (identity("919820000001"),)
    number: PhoneNumberID = NUMBER
    last: Committed | None = None
    defaults: dict[str, Any] = field(default_factory=dict)

    async def turn(self, *messages: Message, **changes: Any) -> TurnCommit:
        """The next turn, loaded but not committed."""
        loaded = await Turns(self.pool).load(self.tenant, self.number, self.who, [m.id for m in messages])
        given = TurnCommit(
            tenant=self.tenant,
            lane=self.lane,
            fence=self.fence,
            phone_number_id=self.number,
            identities=self.who,
            messages=messages,
            conversation_id=loaded.conversation.id if loaded.conversation else None,
            version=loaded.conversation.version if loaded.conversation else None,
            window_expires_at=now() + timedelta(hours=24),
            claim=None,
        )
        return replace(given, **{**self.defaults, **changes})

    async def commit(self, turn: TurnCommit) -> CommitResult:
        """Commits."""
        return await Turns(self.pool).commit(turn)

    async def say(
        self, message_id: str, *effects: Effect, replies: Sequence[NewReply] = (), **changes: Any
    ) -> Committed:
        """A whole turn that must succeed."""
        turn = await self.turn(message(message_id), effects=effects, replies=replies, **changes)
        done = await self.commit(turn)
        assert isinstance(done, Committed), done
        self.last = done
        return done

    async def queue(self, *bodies: str, claim: PairLimit | None = None) -> Committed:
        """A turn that answers with these texts."""
        message_id = f"wamid.queue.{uuid.uuid4().hex}"
        return await self.say(message_id, replies=[text(body) for body in bodies], claim=claim)


async def talk(pool: Pool, tenant: TenantKey, **changes: Any) -> Talk:
    """A conversation in a lane that was just taken."""
    cell = changes.pop("cell", POOL)
    taken = await take(pool, cell=cell)
    return Talk(pool, tenant, taken.lane, taken.fence, **changes)
