"""Sending: claims, what became of sends, and what Meta says of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from munshi.contracts.ids import LaneID, MessageID, OutboxID, PhoneNumberID, TenantKey
from munshi.db.connection import Pool
from munshi.db.errors import translated
from munshi.db.turns import Fenced, PairLimit


@dataclass(frozen=True, slots=True)
class SealedIdentity:
    """One way to reach a person, sealed under the tenant's data key."""

    kind: Literal["bsuid", "phone"]
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is this caller's to send, now. `attempt` and the claim's fence go into its `SendResult`."""

    id: OutboxID
    attempt: int
    phone_number_id: PhoneNumberID
    body: dict[str, Any]
    reply_to: MessageID | None
    user_id: int
    created_at: datetime
    identities: tuple[SealedIdentity, ...]
    """The youngest first."""
    uncertain: bool
    """Whether the attempt before may have reached Meta: nobody told how it ended."""


@dataclass(frozen=True, slots=True)
class ClosedRow:
    """A row that was given up at the moment of sending."""

    id: OutboxID
    reason: Literal["window", "opt_out"]


@dataclass(frozen=True, slots=True)
class Wait:
    """The next row cannot go yet. `until` is `None` where only an event (a settle, a resume) ends it."""

    reason: Literal["in_flight", "unsettled", "back_off", "pair", "paused"]
    until: datetime | None
    """By the database's clock."""
    seconds: float | None = field(default=None, compare=False)
    """The same from now on: whose clock is set meanwhile does not wait by the difference."""


@dataclass(frozen=True, slots=True)
class Unspoken:
    """The next row is a voice note that is still to be spoken: `Outbox.speak`, then claim again. Nothing is
    claimed meanwhile, so a crash before or after leaves the row as it is."""

    id: OutboxID
    phone_number_id: PhoneNumberID
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing is left to send in the conversation."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Outcome of a claim, with the rows given up on the way."""

    outcome: Claimed | Unspoken | Wait | Empty
    closed: tuple[ClosedRow, ...]


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one send. It may be told even after the lane was lost: it is true all the same."""

    tenant: TenantKey
    id: OutboxID
    attempt: int
    fence: int
    result: Literal["sent", "retry", "unsettled", "failed", "dead"]
    """`retry`: surely not accepted. `unsettled`: the answer was lost. `failed`: given up. `dead`: given up,
    and a dead letter is written for a person to look at."""
    wamid: MessageID | None = None
    retry_in: float | None = None
    """For `retry`: seconds from now on."""
    error_code: int | None = None
    error_detail: str | None = None
    """Meta's words on the error, never a text or a number of a person."""
    reason: str | None = None
    """For `dead`: a stable word."""
    opt_out: bool = False
    """The error says that the person wants no more messages."""


@dataclass(frozen=True, slots=True)
class Pricing:
    """Meta's word on what a message costs."""

    category: str | None = None
    pricing_model: str | None = None
    type: str | None = None
    billable: bool | None = None
    price: str | None = None
    """By the price table of the settings, as a decimal."""


@dataclass(frozen=True, slots=True)
class Status:
    """One status of one message that we sent."""

    tenant: TenantKey
    wamid: MessageID
    status: str
    at: datetime | None
    id: OutboxID | None = None
    """The callback data; known before the wamid is."""
    error_code: int | None = None
    error_detail: str | None = None
    opt_out: bool = False
    pricing: Pricing | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What a status did. `settled`: the conversation's next row may be claimed now."""

    id: OutboxID
    conversation_id: int
    state: str
    moved: bool
    settled: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a number's throughput."""

    start: datetime
    """By the database's clock."""
    seconds: float
    """The same from now on; below nought where it has begun."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What a claim keeps to."""

    pair: PairLimit = field(default_factory=PairLimit)
    settle_after_seconds: float = 120.0
    """How long a send whose answer was lost waits for its status before it is sent again. Above the time-out
    of a send, and long enough for Meta's webhook: waiting costs a late reply, not waiting a doubled one."""


_Outcome: TypeAlias = Claim | Fenced


class Outbox:
    """The outbox of a cell."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(
        self, tenant: TenantKey, lane: LaneID, fence: int, conversation_id: int, rules: ClaimRules
    ) -> _Outcome:
        """Takes the next row of a conversation for sending; strictly in order."""
        given = {
            "tenant": tenant,
            "lane": lane,
            "fence": fence,
            "conversation_id": conversation_id,
            "pair_interval": rules.pair.interval_seconds,
            "pair_burst": rules.pair.burst,
            "settle_after": rules.settle_after_seconds,
        }
        with translated():
            row = await self._pool.fetchrow(
                "SELECT claim_outbox($1) AS found, clock_timestamp() AS now", given
            )
        found = row["found"]
        if found["status"] == "fenced":
            return Fenced()
        closed = tuple(ClosedRow(OutboxID(row["id"]), row["reason"]) for row in found["closed"])
        match found["status"]:
            case "claimed":
                return Claim(_claimed(found["row"]), closed)
            case "wait" if found["reason"] == "voice":
                row = found["row"]
                return Claim(Unspoken(OutboxID(row["id"]), row["phone_number_id"], row["body"]), closed)
            case "wait":
                return Claim(_wait(found, row["now"]), closed)
            case _:
                return Claim(Empty(), closed)

    async def speak(
        self, tenant: TenantKey, lane: LaneID, fence: int, row: OutboxID, body: dict[str, Any]
    ) -> bool:
        """Puts `body` in place of a voice note that was to be spoken; `False`: the lane is lost."""
        given = {"tenant": tenant, "lane": lane, "fence": fence, "id": row, "body": body}
        with translated():
            done = await self._pool.fetchval("SELECT speak_outbox($1)", given)
        return bool(done["status"] != "fenced")

    async def settle(self, results: Sequence[SendResult]) -> list[str | None]:
        """Writes what became of sends, of any tenants of the cell, in one transaction.

        Gives back the new state of each, in their order; `None` where the row had moved on (its status or a
        later attempt was quicker) and nothing was written.
        """
        with translated():
            done = await self._pool.fetchval("SELECT settle_outbox($1)", results)
        return [row["state"] for row in done]

    async def apply_statuses(self, statuses: Sequence[Status]) -> list[Applied | None]:
        """Moves rows forwards by Meta's statuses and books costs; idempotent, any order, any tenants.

        Gives back what each did, in their order; `None` where no row is known (or the status is unknown).
        """
        with translated():
            done = await self._pool.fetchval("SELECT apply_statuses($1)", statuses)
        return [row and Applied(**row) for row in done]

    async def reserve_number(
        self, tenant: TenantKey, number: PhoneNumberID, sends: int, per_second: float
    ) -> Block:
        """Reserves a block of a number's throughput, shared by all replicas; the caller spaces it by
        `1 / per_second`."""
        with translated():
            row = await self._pool.fetchrow(
                "SELECT reserve_number($1, $2, $3, $4) AS start, clock_timestamp() AS now",
                tenant,
                number,
                sends,
                per_second,
            )
        return Block(row["start"], (row["start"] - row["now"]).total_seconds())

    async def pause_number(
        self,
        tenant: TenantKey,
        number: PhoneNumberID,
        reason: str,
        until: datetime | None = None,
        since: datetime | None = None,
    ) -> None:
        """Stops a number's sending; everything is kept. `until` `None`: till `resume_numbers`.

        `since`: when the send began that gives the reason. Where the number was resumed after that (the token
        was renewed meanwhile), it is left alone.
        """
        with translated():
            await self._pool.execute(
                "SELECT pause_number($1, $2, $3, $4, $5)", tenant, number, reason, until, since
            )

    async def resume_numbers(
        self, tenant: TenantKey, number: PhoneNumberID | None = None, reason: str | None = None
    ) -> list[PhoneNumberID]:
        """Lets a tenant's numbers send again: one or all, paused for one reason or any.

        Gives back those that were paused.
        """
        with translated():
            resumed = await self._pool.fetchval("SELECT resume_numbers($1, $2, $3)", tenant, number, reason)
        return list(resumed)


def _wait(found: dict[str, Any], now: datetime) -> Wait:
    until = found["until"] and datetime.fromisoformat(found["until"])
    return Wait(found["reason"], until, (until - now).total_seconds() if until else None)


def _claimed(row: dict[str, Any]) -> Claimed:
    return Claimed(
        id=OutboxID(row["id"]),
        attempt=row["attempt"],
        phone_number_id=row["phone_number_id"],
        body=row["body"],
        reply_to=row["reply_to"],
        user_id=row["user_id"],
        created_at=datetime.fromisoformat(row["created_at"]),
        identities=tuple(
            SealedIdentity(one["kind"], bytes.fromhex(one["sealed"])) for one in row["identities"] or ()
        ),
        uncertain=row["uncertain"],
    )
