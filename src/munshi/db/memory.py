"""Facts found again by likeness, over PostgreSQL with pgvector."""

from collections.abc import Sequence
from dataclasses import dataclass

from munshi.contracts.assistant import Remembered
from munshi.contracts.ids import TenantKey
from munshi.db.connection import Pool
from munshi.db.errors import translated


@dataclass(frozen=True, slots=True)
class Vector:
    """A point of a model's space."""

    model: str
    numbers: Sequence[float]
    """Of length 1."""


class Memories:
    """Reads what is remembered. Each call is one statement.

    Raises (all):
        Retryable: the database is away or busy.
        Permanent: the tenant is not this cell's.
    """

    def __init__(self, pool: Pool, tenant: TenantKey) -> None:
        self._pool = pool
        self._tenant = tenant

    async def like(
        self, vector: Vector, *, person: int | None, prefix: str = "", limit: int = 5
    ) -> list[Remembered]:
        """The facts most like `vector`, the nearest first.

        Args:
            vector: what is looked for.
            person: whose facts; `None` is everybody's of the tenant.
            prefix: how their keys begin, `vendor:`.
            limit: how many at most.
        """
        query = "SELECT read_like($1, $2, $3, $4, $5, $6)"
        numbers = f"[{','.join(f'{number:.6g}' for number in vector.numbers)}]"
        with translated():
            rows = await self._pool.fetchval(
                query, self._tenant, person, prefix, vector.model, numbers, limit
            )
        return [Remembered(**row) for row in rows]
