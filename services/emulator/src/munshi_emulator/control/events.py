"""Live events for the page: server-sent events with a cursor.

`hello` names the epoch; `messages` carries what changed after the cursor, whose last revision is the event's
id, so that a browser that reconnects (Last-Event-ID) goes on without a gap; `signal` is fleeting (typing). A
signal may come before older messages or after newer ones: `after` of `typing` is the `seq` of the newest
message when the business began to type, and any later one of the business ends it.
"""

import asyncio
from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from munshi_emulator.control.depends import WorldIn
from munshi_emulator.control.messages import Filter, select
from munshi_emulator.world import World

router = APIRouter(tags=["events"])
_BEAT_SECONDS = 15.0


def _frame(event: str, data: object, number: int | None = None) -> bytes:
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + event.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


@router.get("/events")
async def events(
    world: WorldIn, request: Request, cursor: int | None = None, person: str | None = None
) -> StreamingResponse:
    """Everything that changes after `cursor` (a revision; default from now on), of one person or of all."""
    last = request.headers.get("last-event-id", "")
    start = int(last) if last.isdigit() else cursor
    frames = _frames(world, world.journal.last_rev if start is None else start, person)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)


async def _frames(world: World, cursor: int, person: str | None) -> AsyncIterator[bytes]:
    """The stream until the process stops or the reader goes."""
    event = world.store.watch()
    signal = world.signal_number
    epoch = world.epoch
    limit = world.settings.page_cursor_limit
    try:
        yield b"retry: 1000\n\n"
        yield _frame("hello", {"epoch": epoch, "cursor": cursor, "head": world.journal.last_rev})
        while not world.stopping:
            event.clear()
            if world.epoch != epoch:
                epoch = world.epoch
                yield _frame("hello", {"epoch": epoch, "cursor": cursor, "head": world.journal.last_rev})
            found = select(world, Filter(after_rev=cursor, person=person, limit=limit))
            if found:
                cursor = found[-1]["rev"]
                yield _frame("messages", found, cursor)
            for number, fleeting in list(world.signals):
                if number > signal:
                    signal = number
                    yield _frame("signal", fleeting)
            if len(found) == limit:
                continue
            try:
                await asyncio.wait_for(event.wait(), _BEAT_SECONDS)
            except TimeoutError:
                yield b": beat\n\n"
    finally:
        world.store.unwatch(event)
