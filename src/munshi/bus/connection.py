"""A cell's connection to NATS: made again for ever, and a session over it for each cell that is served."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client, RawCredentials

from munshi.cells import Cell, watch_cells
from munshi.contracts.ids import CellName
from munshi.tasks import end, firm

_log = structlog.get_logger()

_RETRY_SECONDS = 0.2
"""Between two tries; a killed local server is back within a second and must be found at once."""
_PING_SECONDS = 5
"""A server that no longer answers is left after two missed pings; the library's two minutes are too long."""
_PENDING_BYTES = 8 * 1024 * 1024
"""What may wait in the client's buffer before a publish waits for the socket."""
_SESSION_PAUSE_SECONDS = 1.0

Listener = Callable[[], None]


class Connection:
    """The open connection of one cell. The client reconnects by itself; who must know listens."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.client = Client()
        self.closed = asyncio.Event()
        """Set when the client gave up for good: credentials refused, or `close()`."""
        self._closing = False
        self._on_loss: list[Listener] = []
        self._on_return: list[Listener] = []

    @property
    def up(self) -> bool:
        """Whether the server is there right now, as far as the client knows."""
        return bool(self.client.is_connected)

    def on_loss(self, listener: Listener) -> None:
        """`listener` is called each time the server was lost, before anything is tried again."""
        self._on_loss.append(listener)

    def on_return(self, listener: Listener) -> None:
        """`listener` is called each time the server was found again; ephemeral consumers may be gone."""
        self._on_return.append(listener)

    async def open(self, name: str) -> None:
        """Connects; one try.

        Raises:
            OSError, nats.errors.Error, TimeoutError: no server, or not let in.
        """
        await self.client.connect(**self._options(name))

    async def close(self) -> None:
        """Closes; safe to call twice."""
        self._closing = True
        if not self.client.is_closed:
            # The library asserts when it is closed before it was ever connected.
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError, AssertionError):
                await self.client.close()

    def _options(self, name: str) -> dict[str, Any]:
        options: dict[str, Any] = {
            "servers": [url.strip() for url in self.cell.nats_url.split(",")],
            "name": f"munshi-{name}",
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": _RETRY_SECONDS,
            "connect_timeout": 2,
            "ping_interval": _PING_SECONDS,
            "max_outstanding_pings": 2,
            "pending_size": _PENDING_BYTES,
            # Answers stay unreadable to users that may only watch an inbox of their own.
            "inbox_prefix": f"_INBOX_{self.cell.name}",
            "error_cb": _ErrorLog(self.cell.name).report,
            "disconnected_cb": self._lost,
            "reconnected_cb": self._returned,
            "closed_cb": self._closed,
        }
        if self.cell.nats_creds is not None:
            # The library reads each part up to its line's end.
            options["user_credentials"] = RawCredentials(self.cell.nats_creds.rstrip() + "\n")
        return options

    async def _lost(self) -> None:
        if not self._closing:
            _log.warning("bus_lost", cell=self.cell.name)
        for listener in self._on_loss:
            listener()

    async def _returned(self) -> None:
        _log.info("bus_returned", cell=self.cell.name)
        for listener in self._on_return:
            listener()

    async def _closed(self) -> None:
        self.closed.set()


async def connect(cell: Cell, name: str) -> Connection:
    """Opens the cell's connection; tries for ever, so cancel it to give up.

    Args:
        cell: server and credentials.
        name: shown in the server's monitoring, such as `ingress`.
    """
    while True:
        connection = Connection(cell)
        try:
            await firm(connection.open(name))
        except (OSError, nats.errors.Error, TimeoutError) as error:
            _log.warning("bus_connect_failed", cell=cell.name, reason=type(error).__name__)
            await connection.close()
            await asyncio.sleep(_SESSION_PAUSE_SECONDS)
        except BaseException:
            await connection.close()
            raise
        else:
            return connection


@contextlib.asynccontextmanager
async def connected(cell: Cell, name: str) -> AsyncIterator[Connection]:
    """A connection for a job: opened, and closed at the end."""
    connection = await connect(cell, name)
    try:
        yield connection
    finally:
        await connection.close()


class _ErrorLog:
    """Logs a client's errors by their kind, the same one once in a row."""

    def __init__(self, cell: CellName) -> None:
        self._cell = cell
        self._last = ""

    async def report(self, error: Exception) -> None:
        kind = type(error).__name__
        if kind != self._last:
            self._last = kind
            _log.warning("bus_error", cell=self._cell, reason=kind)


Session = Callable[[Connection], Awaitable[None]]


async def serve_cells(
    folder: Path,
    name: str,
    session: Session,
    came: Callable[[CellName], None] | None = None,
    gone: Callable[[CellName], None] | None = None,
) -> None:
    """Runs `session(connection)` for each cell of the folder, as long as the cell is there.

    A session is cancelled when its cell goes or changes, or when its connection closed for good. It is
    started again, with a new connection, when the cell changed, the connection closed, or it ended or failed
    by itself. `came` is called with each new cell before its server was ever reached, `gone` after the
    session of a cell that is no longer there. Ends by cancellation, after all sessions have ended. A session
    is told once, since it may take its time: what it awaits must not lose a cancellation (`munshi.tasks`).
    """
    running: dict[CellName, tuple[Cell, asyncio.Task[None]]] = {}
    try:
        async for cells in watch_cells(folder):
            for cell_name in [known for known, (cell, _) in running.items() if cells.get(known) != cell]:
                await _ended(running.pop(cell_name)[1])
                if gone is not None and cell_name not in cells:
                    gone(cell_name)
            for cell_name in sorted(cells.keys() - running.keys()):
                cell = cells[cell_name]
                if came is not None:
                    came(cell_name)
                task = asyncio.create_task(_keep_session(cell, name, session), name=f"cell {cell_name}")
                running[cell_name] = (cell, task)
    finally:
        await _ended(*(task for _, task in running.values()))


async def _ended(*tasks: "asyncio.Future[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_session(cell: Cell, name: str, session: Session) -> None:
    while True:
        try:
            async with connected(cell, name) as connection:
                await _until_closed(connection, session)
        except Exception:  # noqa: BLE001 - logged with its trace, and tried again
            # Whatever broke one cell's session must not end those of the other cells.
            _log.exception("cell_session_failed", cell=cell.name)
        await asyncio.sleep(_SESSION_PAUSE_SECONDS)


async def _until_closed(connection: Connection, session: Session) -> None:
    work = asyncio.ensure_future(session(connection))
    closed = asyncio.ensure_future(_wait_closed(connection))
    try:
        await asyncio.wait({work, closed}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        await end(closed)
        await _ended(work)


async def _wait_closed(connection: Connection) -> None:
    await connection.closed.wait()
