"""What a database error means for the work that met it; the one table of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from munshi.errors import Permanent, Retryable

_AGAIN = (
    "08",  # connection
    "40",  # deadlock, serialisation
    "53",  # out of connections, memory, disk
    "55",  # lock not available in time
    "57",  # server stops, statement timed out
    "58",  # I/O
)
_REASONS = {"MU403": "foreign_tenant", "MU422": "unusable_turn"}


class Stale(Exception):  # not an error of anybody: the caller reads again
    """The data is not as the caller saw it (SQLSTATE MU409). Nothing was written."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns the driver's errors into ours.

    Raises:
        Retryable: the server is away, busy or stopping, or two transactions met.
        Permanent: the statement will never succeed; `reason` names why.
        Stale: read again and compute again.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        code = getattr(error, "sqlstate", None) or ""
        if code == "MU409":
            raise Stale(str(error)) from error
        if code[:2] in _AGAIN:
            raise Retryable(f"database: {type(error).__name__} ({code})") from error
        raise Permanent(
            f"database: {type(error).__name__} ({code})", _REASONS.get(code, "database")
        ) from error
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # The internal one is what a statement gets whose connection breaks while it is being prepared
        # (asyncpg 0.32, seen when PostgreSQL is killed under load).
        raise Retryable(f"database: {type(error).__name__}") from error
