"""Serves files as Meta does, cheaply: for the media benchmark, as a process of its own.

`GET /bytes/<number>/<size>`: that many bytes, a picture that differs by its number.
"""

import asyncio
import io
import sys
from typing import cast

import uvloop
from PIL import Image

_BLOCK = 256 * 1024


def head() -> bytes:
    """A JPEG of a photograph's size; what follows its end does not matter to who reads its header."""
    out = io.BytesIO()
    Image.new("RGB", (3000, 2000), "white").save(out, "JPEG", quality=30)
    return out.getvalue()


HEAD = head()
FILL = bytes(range(256)) * (_BLOCK // 256)


def pieces(number: int, size: int) -> list[bytes]:
    """The file, piece by piece."""
    if size > 1_000_000:  # a text, not a picture
        made = [b"x" * 100 + str(number).encode().zfill(12)]
    else:
        made = [HEAD + str(number).encode().zfill(12)]
    left = size - len(made[0])
    while left > 0:
        made.append(FILL[:left] if size <= 1_000_000 else b"y" * min(left, _BLOCK))
        left -= len(made[-1])
    return made


class Server(asyncio.Protocol):
    """Answers one request after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self._paused = asyncio.Event()
        self._paused.set()

    def pause_writing(self) -> None:
        """The reader is slower."""
        self._paused.clear()

    def resume_writing(self) -> None:
        """It caught up."""
        self._paused.set()

    def data_received(self, data: bytes) -> None:
        """A request comes in one piece here."""
        _, _, number, size = data.split(b" ", 2)[1].decode().split("/")
        self._task = asyncio.ensure_future(self._answer(int(number), int(size)))

    async def _answer(self, number: int, size: int) -> None:
        self._transport.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for piece in pieces(number, size):
            await self._paused.wait()
            self._transport.write(piece)


async def serve() -> None:
    """Tells its port on standard output, then serves until it is killed."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
