"""A wire to servers that is cut after so many requests: the last is done by its server, but nobody hears it.

What then stands on the servers is what a kill -9 of the client at that moment leaves.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Wire:
    """Leads to several servers; one count for all of them."""

    left: int
    """Requests (what a client sends in one go) that still pass."""
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    passed: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _servers: list[asyncio.Server] = field(default_factory=list)

    async def lead_to(self, port: int) -> int:
        """A port of the wire that leads to a port of loopback."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                await self._lead(reader, writer, port)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Cuts it, if it is not cut yet."""
        self._end()
        for server in self._servers:
            server.close()

    def _end(self) -> None:
        self.cut.set()
        for writer in self._writers:
            writer.transport.abort()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        if self.cut.is_set():
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", port)
        self._writers += [writer, back]
        answers = asyncio.create_task(self._answers(there, writer))
        try:
            while chunk := await reader.read(2**20):
                if self.cut.is_set():
                    return
                self.passed += 1
                self.left -= 1
                last = self.left <= 0
                if last:
                    answers.cancel()
                    await asyncio.gather(answers, return_exceptions=True)
                back.write(chunk)
                await back.drain()
                if last:
                    with contextlib.suppress(TimeoutError):  # what has no answer is done by then too
                        await asyncio.wait_for(there.read(1), 0.2)
                    self._end()
                    return
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            writer.transport.abort()
            back.transport.abort()

    @staticmethod
    async def _answers(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await there.read(2**20):
                writer.write(chunk)
                await writer.drain()
            writer.transport.abort()


@contextlib.asynccontextmanager
async def wire(requests: int) -> AsyncIterator[Wire]:
    """A wire for so many requests."""
    made = Wire(requests)
    try:
        yield made
    finally:
        await made.close()
