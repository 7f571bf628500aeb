"""Files that are deleted on request: what waits for the media service, and what a person asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from munshi.contracts.ids import MessageID, TenantKey
from munshi.db.connection import Pool
from munshi.db.errors import translated


@dataclass(frozen=True, slots=True)
class Due:
    """A message whose bytes are to be deleted now."""

    tenant: TenantKey
    message_id: MessageID
    tries: int
    """This one included."""


class Erasures:
    """What a cell's worker is to have deleted; as the cell's role.

    Raises (all):
        Retryable: the database is away or busy.
        Permanent: the tenant is not this cell's.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, limit: int) -> list[Due]:
        """What is due, of all tenants of the cell. It is given again, later each time, until `end`."""
        with translated():
            rows = await self._pool.fetchval("SELECT take_erasures($1)", limit)
        return [Due(**row) for row in rows]

    async def end(self, due: Due) -> bool:
        """The bytes are gone. False while an answer that shows them is on its way still: it comes again."""
        with translated():
            return bool(await self._pool.fetchval("SELECT end_erasure($1, $2)", due.tenant, due.message_id))


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be deleted."""

    messages: tuple[MessageID, ...]
    """Those that may have a file."""
    files: int
    """Of which the bytes are kept."""
    bytes: int
    readings: int
    """Of which a text or fields are kept."""
    entries: int
    """Of the books, made of them: they stay."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted in the database; the bytes follow."""

    ids: tuple[MessageID, ...]
    messages: int
    readings: int
    answers: int
    facts: int
    letters: int


class ErasuresByHand:
    """Deletion as a person asks for it; as `munshi_admin`. Raises: as `Erasures`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def person(self, tenant: TenantKey, kind: Literal["bsuid", "phone"], hashed: bytes) -> int | None:
        """The user whom an identity names, by its keyed hash."""
        query = "SELECT user_id FROM user_identities WHERE tenant = $1 AND kind = $2 AND hash = $3"
        with translated():
            found: int | None = await self._pool.fetchval(query, tenant, kind, hashed)
        return found

    async def knows(self, tenant: TenantKey, user: int) -> bool:
        """Whether there is such a user."""
        query = "SELECT EXISTS (SELECT FROM users WHERE tenant = $1 AND id = $2)"
        with translated():
            return bool(await self._pool.fetchval(query, tenant, user))

    async def plan(self, tenant: TenantKey, user: int | None, message: MessageID | None) -> Plan:
        """What would go, of one message or of all of a person; changes nothing."""
        with translated():
            found = await self._pool.fetchval("SELECT plan_erasure($1, $2, $3)", tenant, user, message)
        return Plan(**{**found, "messages": tuple(found["messages"])})

    async def erase(self, tenant: TenantKey, user: int | None, message: MessageID | None) -> Erased:
        """Deletes what the database has of the files, and has the bytes deleted."""
        named = None if message is None else [message]
        with translated():
            found = await self._pool.fetchval("SELECT erase_by_hand($1, $2, $3)", tenant, user, named)
        return Erased(**{**found, "ids": tuple(found["ids"])})

    async def waiting(self, tenant: TenantKey, messages: Sequence[MessageID]) -> int:
        """Of how many messages the bytes are still to be deleted."""
        query = (
            "SELECT count(*) FROM erasures WHERE tenant = $1 AND message_id = ANY ($2) AND done_at IS NULL"
        )
        with translated():
            return int(await self._pool.fetchval(query, tenant, list(messages)))
