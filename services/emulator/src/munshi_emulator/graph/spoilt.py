"""Files that come wrong: cut off, drop by drop, other bytes, more than was said."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from munshi_emulator.connection import cut
from munshi_emulator.models import Fault

SPOILT = frozenset({"truncated", "slow", "other_bytes", "more_bytes"})
"""Kinds of faults that act on the bytes."""
_CHUNK = 64 * 1024
_DROPS = 20
_MOMENT = 0.05
"""Seconds."""


def spoilt(fault: Fault, path: Path, mime: str, request: Request) -> Response:
    """The answer with a file's bytes as the fault wants them."""
    size = path.stat().st_size
    if fault.kind == "truncated":
        return _answer(_half(path, size, request), mime, size)
    if fault.kind == "slow":
        return _answer(_drops(path, size, fault.seconds), mime, size)
    if fault.kind == "other_bytes":
        return _answer(_pieces(path, flipped=True), mime, size)
    return _answer(_more(path, fault.extra_bytes), mime, None)


def _answer(body: AsyncIterator[bytes], mime: str, size: int | None) -> Response:
    """Without a size the answer goes in chunks, so that its end is not known before."""
    headers = {} if size is None else {"Content-Length": str(size)}
    return StreamingResponse(body, media_type=mime, headers=headers)


async def _pieces(path: Path, *, flipped: bool = False) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        first = True
        while piece := await asyncio.to_thread(file.read, _CHUNK):
            # The end differs, so that the type still shows.
            yield piece[:-1] + bytes([piece[-1] ^ 0xFF]) if flipped and first else piece
            first = False


async def _half(path: Path, size: int, request: Request) -> AsyncIterator[bytes]:
    left = size // 2
    async for piece in _pieces(path):
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            break
    await asyncio.sleep(_MOMENT)  # what was written leaves before the connection does
    cut(request)
    await asyncio.sleep(_MOMENT)  # the server sees the end of the connection before that of the answer


async def _drops(path: Path, size: int, seconds: float) -> AsyncIterator[bytes]:
    step = max(1, -(-size // _DROPS))
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, step):
            yield piece
            await asyncio.sleep(seconds / _DROPS)


async def _more(path: Path, extra: int) -> AsyncIterator[bytes]:
    async for piece in _pieces(path):
        yield piece
    while extra > 0:
        yield bytes(min(extra, _CHUNK))
        extra -= _CHUNK
