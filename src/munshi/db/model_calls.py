"""The port `Spending` over PostgreSQL: a budget holds also for calls side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from munshi.contracts.ids import TenantKey
from munshi.db.connection import Pool
from munshi.db.errors import translated


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What one model cost in a month."""

    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    dollars: Decimal


class ModelCalls:
    """Tokens and costs of a cell's tenants.

    Raises (all):
        Retryable: the database is away or busy.
        Permanent: the tenant is not this cell's.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(
        self, tenant: TenantKey, purpose: str, model: str, estimate: Decimal, budget: Decimal | None
    ) -> int | None:
        """Puts `estimate` dollars aside and gives back the call's number; `None` where that is over the
        budget. What a dead worker put aside stays so: it may have been spent."""
        query = "SELECT begin_model_call($1, $2, $3, $4, $5)"
        with translated():
            call: int | None = await self._pool.fetchval(query, tenant, purpose, model, estimate, budget)
        return call

    async def end(
        self,
        tenant: TenantKey,
        call: int,
        prompt_tokens: int,
        completion_tokens: int,
        dollars: Decimal,
        outcome: str,
    ) -> None:
        """What it came to (`done` or `failed`), in place of the estimate."""
        query = "SELECT end_model_call($1, $2, $3, $4, $5, $6)"
        with translated():
            await self._pool.fetchval(query, tenant, call, prompt_tokens, completion_tokens, dollars, outcome)

    async def used(self, tenant: TenantKey) -> Decimal:
        """US dollars of this month: what calls came to, and what is put aside for those under way."""
        query = (
            "SELECT dollars + set_aside FROM model_spend "
            "WHERE tenant = $1 AND month = date_trunc('month', now() AT TIME ZONE 'UTC')"
        )
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT set_config('munshi.tenant', $1, true)", tenant)
                used: Decimal | None = await connection.fetchval(query, tenant)
        return used or Decimal(0)

    async def costs(self, tenant: TenantKey, month: date) -> Sequence[ModelCost]:
        """What each model cost; `month` is its first day."""
        with translated():
            rows = await self._pool.fetchval("SELECT read_model_costs($1, $2)", tenant, month)
        return [ModelCost(**{**row, "dollars": Decimal(row["dollars"])}) for row in rows]
