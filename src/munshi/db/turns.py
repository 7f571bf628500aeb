"""A turn's reads and its commit: `load_turn`, `commit_turn`, `link_person` of the schema, typed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from munshi.contracts.assistant import Customer, Effect
from munshi.contracts.ids import LaneID, MessageID, OutboxID, PhoneNumberID, TenantKey
from munshi.contracts.understanding import Language
from munshi.db.connection import Pool
from munshi.db.errors import Stale, translated
from munshi.db.ledger import customers_of


@dataclass(frozen=True, slots=True)
class Identity:
    """One way to know a person: keyed hash for look-up, sealed value for use."""

    kind: Literal["bsuid", "phone"]
    hash: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class PairLimit:
    """Meta's limit of one business number towards one person: an interval, and a burst borrowed from it."""

    interval_seconds: float = 6.0
    burst: int = 45


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as a turn finds it."""

    id: int
    version: int
    state: dict[str, Any]
    language: Language | None
    mode: Literal["bot", "human"]
    opted_out: bool
    window_expires_at: datetime | None
    throttle_tat: datetime | None
    day: date | None
    day_count: int
    notices: dict[str, Any]
    pending_outbox: int
    """Replies not sent yet."""


@dataclass(frozen=True, slots=True)
class Person:
    """The person of a turn."""

    id: int
    name: str | None
    language: Language | None
    plan: str
    voice_replies: bool = False
    """Whether the person asked for spoken replies."""


@dataclass(frozen=True, slots=True)
class LoadedTurn:
    """What `Turns.load` found."""

    conversation: Conversation | None
    person: Person | None
    unlinked: tuple[tuple[str, bytes], ...]
    """Kind and hash of identities that nobody has yet."""
    merge: bool
    """The identities name several users: call `Turns.link`, then load again."""
    seen: tuple[MessageID, ...]
    """Those of the given messages that were dealt with before."""
    transactions_this_month: int
    customers: Sequence[Customer] | None
    """All names of the person's books, where they are few (most turns need them); `None`: ask the books."""


@dataclass(frozen=True, slots=True)
class Message:
    """One inbound message of a turn, to be marked as dealt with."""

    id: MessageID
    type: str
    body: dict[str, Any]
    disposition: str
    """What became of it: `turn`, `over_limit`, `reaction`, …: a stable word."""
    received_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewReply:
    """One reply to queue: a Cloud API payload without recipient."""

    body: dict[str, Any]
    reply_to: MessageID | None = None
    """The inbound message that it answers."""
    past_opt_out: bool = False
    """Goes even to a person who opted out: the confirmation of that."""


@dataclass(frozen=True, slots=True)
class TurnCommit:
    """All that a turn came to. `None` leaves a field as it is."""

    tenant: TenantKey
    lane: LaneID
    fence: int
    phone_number_id: PhoneNumberID
    identities: Sequence[Identity]
    messages: Sequence[Message]
    conversation_id: int | None = None
    """As loaded; `None` on a person's first turn on this number."""
    version: int | None = None
    person_name: str | None = None
    state: dict[str, Any] | None = None
    language: Language | None = None
    effects: Sequence[Effect] = ()
    replies: Sequence[NewReply] = ()
    window_expires_at: datetime | None = None
    throttle_tat: datetime | None = None
    day: date | None = None
    day_count: int | None = None
    notices: dict[str, Any] | None = None
    opted_out: bool | None = None
    claim: PairLimit | None = field(default_factory=PairLimit)
    """Take the first reply for sending in the same transaction, where nothing forbids it; `None`: never."""


@dataclass(frozen=True, slots=True)
class QueuedReply:
    """A reply as queued. `claimed`: it is `sending`, attempt 1, under the commit's fence: send it now."""

    id: OutboxID
    claimed: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """The turn is written."""

    conversation_id: int
    user_id: int
    version: int
    outbox: tuple[QueuedReply, ...]
    """One for each reply, in their order."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The announcement is queued; wake the conversation's sender."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class Fenced:
    """The lane has another owner; nothing was written. Give up the lane."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Some of the messages were dealt with before; nothing was written. Compute again without these."""

    seen: tuple[MessageID, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else wrote meanwhile; nothing was written. Load and compute again.

    `merge`: call `Turns.link` first. `version`, `person`, `books`: just load again.
    """

    reason: Literal["version", "person", "merge", "books"]


CommitResult: TypeAlias = Committed | Fenced | Seen | Conflict


@dataclass(frozen=True, slots=True)
class Linked:
    """Identities made one person."""

    user_id: int
    merged: tuple[int, ...]
    """Users that are no more."""
    pending: tuple[int, ...]
    """Conversations of the person that have something to send; wake their sender."""


class TurnQuery(NamedTuple):
    """What a turn is loaded by."""

    tenant: TenantKey
    phone_number_id: PhoneNumberID
    identities: Sequence[Identity]
    message_ids: Sequence[MessageID]


class Turns:
    """The turns of a cell."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(
        self,
        tenant: TenantKey,
        phone_number_id: PhoneNumberID,
        identities: Sequence[Identity],
        message_ids: Sequence[MessageID],
    ) -> LoadedTurn:
        """Reads all that a turn needs.

        Raises:
            Retryable, Permanent: see `munshi.db.errors`.
        """
        (loaded,) = await self.load_all([TurnQuery(tenant, phone_number_id, identities, message_ids)])
        return loaded

    async def load_all(self, queries: Sequence[TurnQuery]) -> list[LoadedTurn]:
        """Reads several turns, of any tenants of the cell, by one statement; in their order.

        Raises: as `load`; then nothing is given for any of them.
        """
        with translated():
            found = await self._pool.fetchval(_LOAD_ALL, [_query_json(query) for query in queries])
        return [_loaded(row) for row in found]

    async def commit(self, turn: TurnCommit) -> CommitResult:
        """Writes a turn in one transaction, or nothing.

        Raises:
            Retryable, Permanent: see `munshi.db.errors`; whether it was written is then not known, and the
                inbound marks tell at the next load.
        """
        try:
            with translated():
                done = await self._pool.fetchval("SELECT commit_turn($1)", _commit_json(turn))
        except Stale:
            return Conflict("books")
        match done["status"]:
            case "committed":
                return Committed(
                    done["conversation_id"],
                    done["user_id"],
                    done["version"],
                    tuple(QueuedReply(OutboxID(row["id"]), row["claimed"]) for row in done["outbox"]),
                )
            case "duplicate":
                return Seen(tuple(done["seen"]))
            case "conflict":
                return Conflict(done["reason"])
            case _:
                return Fenced()

    async def announce(self, turn: TurnCommit) -> Announced | Fenced | None:
        """Queues the one reply of `turn` before its one message is dealt with, in a transaction of its own.

        Once a message, however often it is asked for; `None` where it was announced or dealt with before, or
        somebody else wrote meanwhile.
        """
        with translated():
            done = await self._pool.fetchval("SELECT announce($1)", _commit_json(turn))
        match done["status"]:
            case "announced":
                return Announced(done["conversation_id"])
            case "fenced":
                return Fenced()
            case _:
                return None

    async def link(
        self, tenant: TenantKey, lane: LaneID, identities: Sequence[Identity], name: str | None = None
    ) -> Linked:
        """Makes these identities one person; merges users where they name several. Idempotent.

        Replies that wait go on in `lane`, that of the identity under which the person writes from now on.
        """
        given = {"tenant": tenant, "lane": lane, "identities": _identities_json(identities), "name": name}
        with translated():
            done = await self._pool.fetchval("SELECT link_person($1)", given)
        return Linked(done["user_id"], tuple(done["merged"]), tuple(done["pending"]))


def _identities_json(identities: Sequence[Identity]) -> list[dict[str, str]]:
    return [{"kind": one.kind, "hash": one.hash.hex(), "sealed": one.sealed.hex()} for one in identities]


_LOAD_ALL = """SELECT jsonb_agg(load_turn(q.query) ORDER BY q.place)
FROM jsonb_array_elements($1) WITH ORDINALITY AS q (query, place)"""


def _query_json(query: TurnQuery) -> dict[str, Any]:
    return {
        "tenant": query.tenant,
        "phone_number_id": query.phone_number_id,
        "identities": [{"kind": one.kind, "hash": one.hash.hex()} for one in query.identities],
        "message_ids": query.message_ids,
    }


def _loaded(found: dict[str, Any]) -> LoadedTurn:
    return LoadedTurn(
        conversation=_conversation(found["conversation"]),
        person=_person(found["user"]),
        unlinked=tuple((one["kind"], bytes.fromhex(one["hash"])) for one in found["unlinked"]),
        merge=found["merge"],
        seen=tuple(found["seen"]),
        transactions_this_month=found["transactions_this_month"],
        customers=None if found["customers"] is None else customers_of(found["customers"]),
    )


def _commit_json(turn: TurnCommit) -> dict[str, Any]:
    return {
        "tenant": turn.tenant,
        "lane": turn.lane,
        "fence": turn.fence,
        "phone_number_id": turn.phone_number_id,
        "identities": _identities_json(turn.identities),
        "messages": turn.messages,
        "conversation_id": turn.conversation_id,
        "version": turn.version,
        "person_name": turn.person_name,
        "state": turn.state,
        "language": turn.language.model_dump() if turn.language else None,
        "effects": [effect.model_dump() for effect in turn.effects],
        "outbox": turn.replies,
        "window_expires_at": turn.window_expires_at,
        "throttle_tat": turn.throttle_tat,
        "day": turn.day,
        "day_count": turn.day_count,
        "notices": turn.notices,
        "opted_out": turn.opted_out,
        "claim": turn.claim
        and {"pair_interval": turn.claim.interval_seconds, "pair_burst": turn.claim.burst},
    }


def _conversation(found: dict[str, Any] | None) -> Conversation | None:
    if found is None:
        return None
    return Conversation(
        id=found["id"],
        version=found["version"],
        state=found["state"],
        language=_language(found["language"]),
        mode=found["mode"],
        opted_out=found["opted_out"],
        window_expires_at=_time(found["window_expires_at"]),
        throttle_tat=_time(found["throttle_tat"]),
        day=date.fromisoformat(found["day"]) if found["day"] else None,
        day_count=found["day_count"],
        notices=found["notices"],
        pending_outbox=found["pending_outbox"],
    )


def _person(found: dict[str, Any] | None) -> Person | None:
    if found is None:
        return None
    return Person(
        found["id"],
        found["name"],
        _language(found["language"]),
        found["plan"],
        found.get("voice_replies", False),
    )


def _language(found: dict[str, Any] | None) -> Language | None:
    return Language.model_validate(found) if found else None


def _time(found: str | None) -> datetime | None:
    return datetime.fromisoformat(found) if found else None
