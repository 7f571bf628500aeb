"""One person's books, read: the port `LedgerReader` over PostgreSQL."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from munshi.contracts.assistant import Balance, CategoryTotal, Customer, Entry, Origin, Remembered
from munshi.contracts.ids import MessageID, TenantKey
from munshi.contracts.media import DocumentFields, Embedder
from munshi.db.connection import Pool
from munshi.db.errors import translated
from munshi.db.memory import Memories, Vector
from munshi.errors import Permanent, Retryable

_READ_BALANCES = """SELECT jsonb_agg(
    read_balance(q.query->>0, (q.query->>1)::bigint, (q.query->>2)::bigint) ORDER BY q.place)
FROM jsonb_array_elements($1) WITH ORDINALITY AS q (query, place)"""

MOST_CUSTOMERS = 5_000
"""A person with more names has the oldest left out of fuzzy matching; 5,000 are matched in about 1 ms."""


class BalanceQuery(NamedTuple):
    """Whose balance is asked for."""

    tenant: TenantKey
    user_id: int
    customer_id: int


async def read_balances(pool: Pool, queries: Sequence[BalanceQuery]) -> list[list[Balance]]:
    """Balances of several customers, of any tenants of the cell, by one statement; in their order.

    Raises:
        Retryable, Permanent: see `munshi.db.errors`; then nothing is given for any of them.
    """
    with translated():
        found = await pool.fetchval(_READ_BALANCES, [tuple(query) for query in queries])
    return [[_balance(row) for row in rows] for rows in found]


class LedgerBooks:
    """Reads the books of one person of one tenant. Each call is one round trip.

    `user_id` `None` is a person who has no books yet: everything is empty, and nothing is asked. `names` are
    all customers where the turn brought them along (`LoadedTurn.customers`): they are not asked for again.
    `read_balance` is asked for balances, so that those of many turns can be read together.
    """

    def __init__(
        self,
        pool: Pool,
        tenant: TenantKey,
        user_id: int | None,
        names: Sequence[Customer] | None = None,
        embedder: Embedder | None = None,
        read_balance: Callable[[BalanceQuery], Awaitable[Sequence[Balance]]] | None = None,
    ) -> None:
        self._pool = pool
        self._read_balance = read_balance
        self._tenant = tenant
        self._user = user_id
        self._names = names
        self._embedder = embedder

    async def customers(self) -> Sequence[Customer]:
        """All names of the books, the most recently used first, at most 5,000."""
        if self._names is None:
            self._names = customers_of(
                await self._read("SELECT read_customers($1, $2, $3)", MOST_CUSTOMERS) or ()
            )
        return self._names

    async def balance(self, customer_id: int) -> Sequence[Balance]:
        """One balance a currency; empty where nothing was ever given or paid."""
        if self._user is None:
            return ()
        query = BalanceQuery(self._tenant, self._user, customer_id)
        if self._read_balance is not None:
            return await self._read_balance(query)
        (found,) = await read_balances(self._pool, [query])
        return found

    async def debtors(self, limit: int) -> Sequence[Balance]:
        """Who owes most, largest first."""
        found = await self._read("SELECT read_debtors($1, $2, $3)", limit)
        return [_balance(row) for row in found or ()]

    async def totals(self, first: date, last: date) -> Sequence[CategoryTotal]:
        """Sums of a period of days, both ends included, in the tenant's own days."""
        found = await self._read("SELECT read_totals($1, $2, $3, $4)", first, last)
        return [CategoryTotal.model_validate(row) for row in found or ()]

    async def like(self, prefix: str, about: str, limit: int) -> Sequence[Remembered]:
        """Facts of the person whose keys begin with `prefix`, most like `about` first; empty without an
        engine that compares, or while it is away."""
        if self._embedder is None or self._user is None:
            return ()
        try:
            (numbers,) = await self._embedder.embed((about,), self._tenant)
        except (Permanent, Retryable):
            return ()
        vector = Vector(self._embedder.info().model, numbers)
        memories = Memories(self._pool, self._tenant)
        return await memories.like(vector, person=self._user, prefix=prefix, limit=limit)

    async def last_entry(self) -> Entry | None:
        """The youngest live entry."""
        found = await self._read("SELECT read_last_entry($1, $2)")
        return Entry.model_validate(found) if found else None

    async def origin(self, ref: str) -> Origin | None:
        """How a live entry came in; `None` where there is no such entry."""
        found = await self._read("SELECT read_origin($1, $2, $3)", ref)
        return Origin.model_validate(found) if found else None

    async def same_receipt(self, sha256: str | None, fields: DocumentFields) -> Sequence[Entry]:
        """Live entries of the same file, or of a document with the same number, vendor and total."""
        given = {
            "sha256": sha256,
            "invoice_no": fields.invoice_no,
            "vendor": fields.vendor,
            "total": None if fields.total is None else str(fields.total),
        }
        found = await self._read("SELECT read_same_receipt($1, $2, $3)", given)
        return [Entry.model_validate(row) for row in found or ()]

    async def entries_of_message(self, message_id: MessageID) -> Sequence[Entry]:
        """Live entries that came of this message, or that this reply of ours answered; oldest first."""
        found = await self._read("SELECT read_entries_of_message($1, $2, $3)", message_id)
        return [Entry.model_validate(row) for row in found or ()]

    async def _read(self, query: str, *given: Any) -> Any:
        if self._user is None:
            return None
        with translated():
            return await self._pool.fetchval(query, self._tenant, self._user, *given)


def customers_of(rows: Iterable[dict[str, Any]]) -> Sequence[Customer]:
    """Customers as the database's functions give them, in their order."""
    return tuple(_customer(row) for row in rows)


def _customer(row: dict[str, Any]) -> Customer:
    # Thousands of them at once: from our own database, so not validated again.
    return Customer.model_construct(id=row["id"], name=row["name"], aliases=tuple(row["aliases"]))


def _balance(row: dict[str, Any]) -> Balance:
    return Balance.model_validate({**row, "customer": _customer(row["customer"])})
