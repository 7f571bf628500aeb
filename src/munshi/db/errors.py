"""What a database error means for the work that met it; the one table of it."""

from types import TracebackType

import asyncpg

from munshi.errors import Permanent, Retryable

PASSING = (
    "08",  # connection
    "40",  # deadlock, serialisation
    "53",  # out of connections, memory, disk
    "55",  # lock not available in time
    "57",  # server stops, statement timed out
    "58",  # I/O
)
"""Classes of SQLSTATE that pass by themselves."""
_OF_CONNECTION = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_REASONS = {"MU403": "foreign_tenant", "MU422": "unusable_turn"}


class Stale(Exception):  # not an error of anybody: the caller reads again
    """The data is not as the caller saw it (SQLSTATE MU409). Nothing was written."""


class translated:  # noqa: N801 - read as a word: `with translated():`
    """Turns the driver's errors into ours. A class: a generator costs a hundredth of a turn.

    Raises:
        Retryable: the server is away, busy or stopping, or two transactions met.
        Permanent: the statement will never succeed; `reason` names why.
        Stale: read again and compute again.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, asyncpg.PostgresError):
            raise _of_server(error) from error
        if isinstance(error, _OF_CONNECTION):
            # The internal one is what a statement gets whose connection breaks while it is being prepared
            # (asyncpg 0.32, seen when PostgreSQL is killed under load).
            raise Retryable(f"database: {type(error).__name__}") from error


def _of_server(error: asyncpg.PostgresError) -> Exception:
    code = getattr(error, "sqlstate", None) or ""
    if code == "MU409":
        return Stale(str(error))
    told = f"database: {type(error).__name__} ({code})"
    if code[:2] in PASSING:
        return Retryable(told)
    return Permanent(told, _REASONS.get(code, "database"))
