"""Connections of the hot paths: a pool for a cell, as the cell's own role."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

_IDLE_SECONDS = 300.0
"""A connection that was of no use for so long is closed: a cell of one tenant mostly needs a few."""

_JSONB_VERSION = b"\x01"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} does not go into JSON")


def _encode(value: Any) -> bytes:
    return _JSONB_VERSION + orjson.dumps(value, default=_plain)


def _decode(data: bytes) -> Any:
    return orjson.loads(memoryview(data)[1:])


async def _speak_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary"
    )


async def _no_reset(_connection: Any) -> None:
    """Nothing to undo: the functions set the tenant for their own transaction only, and no session state is
    used. The driver's own reset would be a second round trip on every call."""


class Pool:
    """Connections that speak JSON by orjson, for single statements: each is a transaction of its own.

    The driver's pool makes and closes them, but lends them for long: its own way of lending one for each
    statement costs more CPU than the statement, most of it a task for each return (`docs/benchmarks.md`).
    """

    def __init__(self, driver: asyncpg.Pool, size: int) -> None:
        self._driver = driver
        self._size = size
        self._lent = 0
        self._free: deque[tuple[float, Any]] = deque()
        """Since when, and which; the one used last is taken first, so that the others can age."""
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._returning: set[asyncio.Task[None]] = set()
        self._closing = False

    async def fetchval(self, query: str, *given: Any) -> Any:
        """The first value of the first row; `None` where there is no row. Errors: the driver's."""
        return await self._run("fetchval", query, given)

    async def fetchrow(self, query: str, *given: Any) -> Any:
        """The first row, or `None`. Errors: the driver's."""
        return await self._run("fetchrow", query, given)

    async def fetch(self, query: str, *given: Any) -> Any:
        """All rows. Errors: the driver's."""
        return await self._run("fetch", query, given)

    async def execute(self, query: str, *given: Any) -> Any:
        """The statement's tag. Errors: the driver's."""
        return await self._run("execute", query, given)

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A connection for more than one statement. What is left open of a transaction is undone."""
        connection = self._take() or await self._lend()
        try:
            yield connection
        except BaseException:
            self._return(connection)
            raise
        if _sound(connection) and connection.is_in_transaction():
            self._return(connection)
        else:
            self._keep(connection)

    async def close(self) -> None:
        """Waits for the statements under way, then closes all connections."""
        self._closing = True
        while self._free:
            self._return(self._free.pop()[1])
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(asyncpg.InterfaceError("the pool is being closed"))
        await self._driver.close()

    def terminate(self) -> None:
        """Closes all connections at once."""
        self._driver.terminate()

    async def _run(self, call: str, query: str, given: tuple[Any, ...]) -> Any:
        connection = self._take() or await self._lend()
        try:
            answer = await getattr(connection, call)(query, *given)
        except asyncpg.PostgresError:
            self._keep(connection)  # the server's own no: the connection is as good as before
            raise
        except BaseException:
            self._return(connection)
            raise
        self._keep(connection)
        return answer

    def _take(self) -> Any:
        while self._free:
            _, connection = self._free.pop()
            if _sound(connection):
                return connection
            self._return(connection)
        return None

    async def _lend(self) -> Any:
        """A connection of the driver's pool, or the first one that somebody else is done with."""
        while self._lent >= self._size:
            waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                connection = await waiting
            except asyncio.CancelledError:
                if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                    self._pass_on(waiting.result())
                raise
            if connection is not None:
                return connection
        self._lent += 1
        try:
            return await self._driver.acquire()
        except BaseException:
            self._lent -= 1
            self._wake(None)
            raise

    def _pass_on(self, connection: Any) -> None:
        if connection is None:
            self._wake(None)
        else:
            self._keep(connection)

    def _keep(self, connection: Any) -> None:
        if self._closing or not _sound(connection):
            self._return(connection)
            return
        if self._wake(connection):
            return
        now = time.monotonic()
        self._free.append((now, connection))
        while now - self._free[0][0] > _IDLE_SECONDS:
            self._return(self._free.popleft()[1])

    def _wake(self, connection: Any) -> bool:
        """Gives a connection to who waits longest; `None` says that there is room for one more."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return True
        return False

    def _return(self, connection: Any) -> None:
        """Back to the driver's pool, which waits for a cancellation that is under way and sorts out what is
        broken."""
        task = asyncio.get_running_loop().create_task(self._give_back(connection))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _give_back(self, connection: Any) -> None:
        try:
            # Whatever is wrong with it, the driver's pool has let go of it.
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await self._driver.release(connection)
        finally:
            self._lent -= 1
            self._wake(None)


def _sound(connection: Any) -> bool:
    """Whether it still stands, as far as is known here."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # it broke, and the driver's pool has taken it back already


async def open_pool(url: str, *, name: str, size: int = 16, timeout_seconds: float = 10.0) -> Pool:
    """Opens a pool of at most `size` connections, one of them at once. `name` is seen in pg_stat_activity.

    Works behind PgBouncer in transaction mode (`max_prepared_statements` > 0).
    """
    driver = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        max_inactive_connection_lifetime=1.0,  # one that comes back was idle for long, or is one too many
        timeout=timeout_seconds,
        command_timeout=timeout_seconds,
        init=_speak_json,
        reset=_no_reset,
        server_settings={"application_name": name},
    )
    return Pool(driver, size)
