"""What failed for good: counted tries, the store of dead letters, and what a person does with them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from munshi.contracts.ids import LaneID, MessageID, TenantKey
from munshi.db.connection import Pool
from munshi.db.errors import translated
from munshi.db.turns import Fenced

DeadSource = Literal["ingress", "turn", "send"]


@dataclass(frozen=True, slots=True)
class Mark:
    """That a message was dealt with, though by no turn."""

    type: str
    received_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Burial:
    """A letter to keep. The same one (`source`, `key`) is kept once."""

    tenant: TenantKey
    source: DeadSource
    key: str
    """The message's id for `turn`, the letter's own id for `ingress`."""
    reason: str
    payload: Any
    """What a replay needs, as JSON: the envelope of a turn, the letter of ingress."""
    detail: str = ""
    message_id: MessageID | None = None
    mark: Mark | None = None
    """Marks `message_id` as dealt with in the same transaction, so that its repeat is a duplicate."""
    lane: LaneID | None = None
    fence: int | None = None
    """With `lane`: only its owner may."""


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """A dead letter as kept."""

    id: int
    tenant: TenantKey
    source: DeadSource
    key: str
    reason: str
    detail: str
    message_id: MessageID | None
    created_at: datetime
    replayed_at: datetime | None
    dropped_at: datetime | None
    payload: Any
    """`None` in lists."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A letter taken up again.

    Of `ingress` and `turn`, `payload` is to be published again, under a new `Nats-Msg-Id`: the old one may
    still be in the stream's duplicate window. Of `send`, the row is queued again (`requeued`) and goes out
    when the conversation's sender next wakes.
    """

    tenant: TenantKey
    id: int
    source: DeadSource
    reason: str
    payload: Any
    message_id: MessageID | None
    requeued: bool


class Graveyard:
    """Where the services put what failed; as a cell's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def note_attempt(self, tenant: TenantKey, message_id: MessageID, error: str) -> int:
        """Counts one more failed try of a message; gives back how many there were. `error`: a name."""
        with translated():
            return int(
                await self._pool.fetchval("SELECT note_attempt($1, $2, $3)", tenant, message_id, error)
            )

    async def bury(self, letter: Burial) -> int | Fenced:
        """Keeps a dead letter; gives back its id. Idempotent."""
        with translated():
            done = await self._pool.fetchval("SELECT bury($1)", asdict(letter))
        return int(done["id"]) if done["status"] == "kept" else Fenced()


_COLUMNS = "tenant, id, source, key, reason, detail, message_id, created_at, replayed_at, dropped_at"


class DeadLetters:
    """The dead letters of all tenants, for a person: as `munshi_admin`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list(
        self, tenant: TenantKey | None = None, *, closed: bool = False, limit: int = 100
    ) -> Sequence[DeadLetterRow]:
        """The youngest first; of one tenant or all. `closed` shows replayed and dropped ones too."""
        with translated():
            rows = await self._pool.fetch(
                f"SELECT {_COLUMNS}, NULL::jsonb AS payload FROM dead_letters"  # noqa: S608 # a constant
                " WHERE ($1::text IS NULL OR tenant = $1)"
                " AND ($2 OR (replayed_at IS NULL AND dropped_at IS NULL))"
                " ORDER BY created_at DESC, id DESC LIMIT $3",
                tenant,
                closed,
                limit,
            )
        return [_row(row) for row in rows]

    async def show(self, letter_id: int) -> DeadLetterRow | None:
        """One letter with its payload."""
        with translated():
            row = await self._pool.fetchrow(
                f"SELECT {_COLUMNS}, payload FROM dead_letters WHERE id = $1",  # noqa: S608 # a constant
                letter_id,
            )
        return _row(row) if row else None

    async def replay(self, letter_id: int) -> Replay | None:
        """Takes an open letter up again; `None` where there is none. The caller publishes what it gets."""
        with translated():
            done = await self._pool.fetchval(
                "SELECT replay_dead_letter(tenant, id) FROM dead_letters WHERE id = $1", letter_id
            )
        return Replay(**done) if done else None

    async def drop(self, letter_id: int) -> bool:
        """Closes an open letter for good; `False` where there is none."""
        with translated():
            done = await self._pool.fetchval(
                "UPDATE dead_letters SET dropped_at = now()"
                " WHERE id = $1 AND replayed_at IS NULL AND dropped_at IS NULL RETURNING id",
                letter_id,
            )
        return done is not None


def _row(row: asyncpg.Record) -> DeadLetterRow:
    return DeadLetterRow(**dict(row))
