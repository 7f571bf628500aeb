"""The cells that ingress serves: a publisher and a followed registry for each."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from munshi.bus.connection import Connection, serve_cells
from munshi.bus.publisher import Publisher
from munshi.contracts.ids import CellName
from munshi.registry import follow_registry
from munshi.tenants import TenantDirectory


@dataclass(frozen=True, slots=True)
class Line:
    """The open way into one cell's streams."""

    connection: Connection
    publisher: Publisher


class Lines:
    """All cells' lines, opened and closed as cells come and go."""

    def __init__(
        self, folder: Path, directory: TenantDirectory, ack_seconds: float, max_waiting_events: int
    ) -> None:
        self._folder = folder
        self._directory = directory
        self._ack_seconds = ack_seconds
        self._max_waiting_events = max_waiting_events
        self._cells: set[CellName] = set()
        self._task: asyncio.Task[None] | None = None
        self.open: dict[CellName, Line] = {}
        self.partitions: dict[CellName, int] = {}

    def start(self) -> None:
        """Begins to serve the folder's cells, in the background."""
        self._task = asyncio.create_task(
            serve_cells(self._folder, "ingress", self._session, self._cells.add, self._gone), name="cells"
        )

    async def stop(self) -> None:
        """Closes all lines."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def alive(self) -> bool:
        """Whether cells are still being served: false only after a defect."""
        return self._task is not None and not self._task.done()

    @property
    def known(self) -> bool:
        """Whether every cell's registry is known, so that an unknown tenant is really unknown."""
        return bool(self._cells) and self._cells <= self._directory.known_cells

    @property
    def ready(self) -> bool:
        """Whether at least one cell's registry is known and its bus connected.

        One, not all: a dedicated tenant's broken cell must not take the others off the air.
        """
        return any(line.connection.up and self._directory.knows(cell) for cell, line in self.open.items())

    @property
    def up(self) -> int:
        """Cells whose bus is connected."""
        return sum(line.connection.up for line in self.open.values())

    @property
    def waiting_events(self) -> int:
        """Events that wait for their acknowledgement."""
        return sum(line.publisher.in_flight for line in self.open.values())

    async def _session(self, connection: Connection) -> None:
        cell = connection.cell.name
        publisher = await Publisher.open(connection, self._ack_seconds, self._max_waiting_events)
        line = Line(connection, publisher)
        self.partitions[cell] = connection.cell.partitions
        self.open[cell] = line
        try:
            await follow_registry(connection, self._directory)
        finally:
            if self.open.get(cell) is line:
                del self.open[cell]

    def _gone(self, cell: CellName) -> None:
        self._cells.discard(cell)
        self.partitions.pop(cell, None)
        self._directory.drop_cell(cell)
