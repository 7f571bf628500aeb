"""A media service that answers as a test says, on the real bus and by the real contract.

For tests of those who ask: what is answered to which file is a table, and the service can be away, silent,
slow or die in the middle of its work.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel

from munshi.contracts.ids import CellName
from munshi.contracts.media import (
    DeleteRequest,
    MediaAnswer,
    MediaProgress,
    ReadRequest,
    Stage,
    Stored,
    Verb,
    VoiceRequest,
)
from munshi.contracts.subjects import media

Say = Callable[[BaseModel], Awaitable[None]]
Script = Callable[[Any, Say], Awaitable[BaseModel | None]]
"""Given a request and a way to say something on the way; gives the end, or `None` for silence."""


def stored(content: str = "a picture", mime_type: str = "image/jpeg") -> Stored:
    """An object of the store."""
    digest = content.encode().hex().ljust(64, "0")[:64]
    return Stored(key=f"{digest[:2]}/{digest}", sha256=digest, mime_type=mime_type, size=len(content))


def answer(given: BaseModel) -> Script:
    """Always this, at once."""

    async def script(_: Any, __: Say) -> BaseModel:
        return given

    return script


@dataclass
class ScriptedMedia:
    """Answers `read` by media id, `voice` by `speak` and `delete` by yes; what is not in the table is only
    kept."""

    connection: Client
    cell: CellName
    reads: dict[str, Script] = field(default_factory=dict)
    speak: Script = field(default_factory=lambda: answer(MediaAnswer(media_id="spoken-1")))
    asked: list[ReadRequest] = field(default_factory=list)
    spoken: list[VoiceRequest] = field(default_factory=list)
    deleted: list[DeleteRequest] = field(default_factory=list)
    signs: int = 0
    """Signs of life that were given."""
    answered: int = 0
    """Requests that were answered to the end."""
    _subscriptions: list[Any] = field(default_factory=list)
    _working: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Takes requests."""
        for verb, model in (
            (Verb.READ, ReadRequest),
            (Verb.VOICE, VoiceRequest),
            (Verb.DELETE, DeleteRequest),
        ):
            self._subscriptions.append(
                await self.connection.subscribe(
                    media(self.cell, verb), queue="media", cb=self._taking(verb, model)
                )
            )
        await self.connection.flush()

    async def die(self) -> None:
        """Is gone at once: what was being worked on ends without a word."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        for subscription in self._subscriptions:
            await subscription.unsubscribe()
        self._subscriptions.clear()
        await self.connection.flush()

    def _taking(self, verb: Verb, model: type[BaseModel]) -> Callable[[Msg], Awaitable[None]]:
        async def take(message: Msg) -> None:
            task = asyncio.create_task(self._work(verb, model.model_validate_json(message.data), message))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

        return take

    async def _work(self, verb: Verb, request: Any, message: Msg) -> None:
        async def say(said: BaseModel) -> None:
            await message.respond(said.model_dump_json().encode())
            self.signs += isinstance(said, MediaProgress)

        if verb is Verb.READ:
            self.asked.append(request)
            script = self.reads.get(request.media_id, answer(MediaAnswer(original=stored())))
        elif verb is Verb.DELETE:
            self.deleted.append(request)
            script = answer(MediaAnswer())
        else:
            self.spoken.append(request)
            script = self.speak
        end = await script(request, say)
        if end is not None:
            await say(end)
            await self.connection.flush()
            self.answered += 1


def slow(given: BaseModel, until: asyncio.Event, expected: float | None = None) -> Script:
    """Works, with signs of life, until an event; then this."""

    async def script(_: Any, say: Say) -> BaseModel:
        while True:
            await say(MediaProgress(stage=Stage.READING, expected_seconds=expected))
            try:
                await asyncio.wait_for(until.wait(), 0.1)
            except TimeoutError:
                continue
            return given

    return script


@contextlib.asynccontextmanager
async def scripted_media(connection: Client, cell: CellName) -> AsyncIterator[ScriptedMedia]:
    """One that runs; gone afterwards."""
    made = ScriptedMedia(connection, cell)
    await made.start()
    try:
        yield made
    finally:
        await made.die()
