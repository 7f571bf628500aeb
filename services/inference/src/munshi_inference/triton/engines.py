"""Client engines: Triton behind the same ports as the engines in process, which answer where it does not.

A text is never refused: what Triton cannot take now is read in process. A file waits its tenant's turn; where
Triton is busy the caller is told to come again, where it is away the engine in process reads it.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from munshi.contracts.media import (
    Document,
    DocumentReader,
    Embedder,
    EngineInfo,
    FileRef,
    ReadHints,
    Transcriber,
    Transcript,
)
from munshi.contracts.understanding import Request, Understander, Understanding
from munshi.errors import Retryable
from munshi.shares import FairShare
from munshi_inference.files import bytes_of
from munshi_inference.triton.breaker import Breaker
from munshi_inference.triton.coalescing import Coalescer
from munshi_inference.triton.link import Away, Busy, Link, Tensors
from munshi_inference.triton.text_link import TextLink
from munshi_inference.triton.wire import BROKEN, DATA, REQUEST, Answer, TextsAsked, Vectors, file_row

TEXT_SECONDS = 1.0
"""A text is read in a millisecond; what takes this long is read in process instead."""
_TEXTS = 64
"""Texts in one request; the model's batch."""
_UNDER_WAY = 2
"""Requests with texts at once: while one is worked on the next one is there."""
_PROBE_SECONDS = 5.0
AT_ONCE = 4
"""Files that one client has with Triton at once; more would stand in its queue, where no turn is kept."""
WAITING = 1_000
"""Files of one tenant that may wait for a turn."""

Result = TypeVar("Result", bound=BaseModel)


class Connected:
    """A model of Triton, with what minds whether it is there."""

    def __init__(self, link: Link | TextLink, probe_seconds: float = _PROBE_SECONDS) -> None:
        self.link = link
        self.breaker = Breaker(link.model, lambda: self.link.works(probe_seconds))
        self._probe_seconds = probe_seconds
        self._answered = False

    async def ask(self, tensors: Tensors, seconds: float) -> list[bytes]:
        """As `ask` of the link; tells the breaker how it went."""
        try:
            rows = await self.link.ask(tensors, seconds)
        except Away as away:
            self.breaker.failed(at_once=away.connection)
            raise
        self.breaker.succeeded()
        self._answered = True
        return rows

    def where(self, info: EngineInfo | None, part: str) -> EngineInfo:
        """What to show: the engine's own account, and where it runs now."""
        known = info or EngineInfo(part, self.link.model, "")
        if self.breaker.closed:
            return replace(known, where="triton", ready=True, add="")
        return known

    async def check(self) -> None:
        """Finds out whether the model answers, where nothing was asked of it yet."""
        if self.breaker.closed and not self._answered and not await self.link.works(self._probe_seconds):
            self.breaker.failed(at_once=True)

    async def close(self, local: object) -> None:
        """Ends the connection, and the engine in process where it has something to end."""
        await self.breaker.close()
        await self.link.close()
        end = getattr(local, "close", None)
        ending = end() if end is not None else None
        if inspect.isawaitable(ending):
            await ending


class TritonUnderstander:
    """Understanding by the model `ledger_nlu`."""

    def __init__(
        self, address: str, local: Understander, info: EngineInfo, seconds: float = TEXT_SECONDS
    ) -> None:
        """`address`: host:port of Triton's HTTP."""
        self._connected = Connected(TextLink(address, "ledger_nlu"), seconds)
        self._local = local
        self._info = info
        self._seconds = seconds
        self._coalescer = Coalescer(self._send, _TEXTS, _UNDER_WAY)

    def info(self) -> EngineInfo:
        """What it is."""
        return self._connected.where(self._info, "nlu")

    async def understand(self, request: Request) -> Understanding:
        """Reads one text; never raises for a text."""
        if self._connected.breaker.closed:
            try:
                row = await self._coalescer.ask(request.model_dump_json().encode())
                answer = Answer[Understanding].model_validate_json(row)
            except (Retryable, ValidationError):
                answer = Answer()
            if answer.ok is not None:
                masked = answer.masked
                return answer.ok if masked is None else answer.ok.model_copy(update={"masked": masked})
        return await self._local.understand(request)

    async def _send(self, rows: Sequence[bytes]) -> list[bytes]:
        return await self._connected.ask({REQUEST: rows}, self._seconds)

    async def check(self) -> None:
        """Finds out whether the model answers, so that `info` says so."""
        await self._connected.check()

    async def close(self) -> None:
        """Ends the connection, and the engine behind it."""
        await self._connected.close(self._local)


class _Files:
    """What reading pictures and hearing sounds have in common."""

    def __init__(self, url: str, model: str, longest: float, shared: Path | None) -> None:
        self.connected = Connected(Link(url, model))
        self._longest = longest
        self._shared = shared
        self._shares = FairShare(AT_ONCE, WAITING)

    async def ask(
        self,
        answer: type[Answer[Result]],
        file: FileRef,
        hints: ReadHints,
        local: Callable[[FileRef, ReadHints], Awaitable[Result]] | None,
    ) -> Result:
        """The result by Triton, else in process, within the hints' deadline.

        Raises:
            Retryable: busy, too slow, or away with no engine in process.
            Permanent: this file makes it fail.
        """
        until = time.monotonic() + hints.seconds
        name = self.connected.link.model
        try:
            async with asyncio.timeout(hints.seconds), self._shares.place(hints.tenant):
                if self.connected.breaker.closed:
                    try:
                        return await self._over_triton(answer, file, _left(hints, until))
                    except Away:
                        if local is None:
                            raise
                if local is None:
                    raise Retryable(f"{name}: Triton is away", delay=2.0)
                return await local(file, _left(hints, until))
        except TimeoutError:
            raise Retryable(f"{name}: no answer in {hints.seconds:.0f} s") from None

    async def _over_triton(self, answer: type[Answer[Result]], file: FileRef, hints: ReadHints) -> Result:
        if file.path is not None and not self._shares_path(file.path):
            file = FileRef(file.mime_type, data=await bytes_of(file))
        tensors = {REQUEST: [file_row(file, hints)], DATA: [file.data or b""]}
        (row,) = await self.connected.ask(tensors, min(hints.seconds, self._longest))
        try:
            given = answer.model_validate_json(row)
        except ValidationError:
            raise Away(f"{self.connected.link.model}: an answer of another version") from None
        if given.error is not None and given.error.word in BROKEN:
            self.connected.breaker.failed()
            raise Away(f"{self.connected.link.model}: {given.error.word}")
        if given.error is not None:
            raise given.error.raised(self.connected.link.model)
        if given.ok is None:
            raise Away(f"{self.connected.link.model}: an empty answer")
        return given.ok

    def _shares_path(self, path: Path) -> bool:
        return self._shared is not None and path.resolve().is_relative_to(self._shared)


def _left(hints: ReadHints, until: float) -> ReadHints:
    return replace(hints, seconds=max(0.05, until - time.monotonic()))


class TritonReader:
    """Reading of pictures and PDFs by the model `documents`."""

    def __init__(
        self, url: str, local: DocumentReader | None, longest: float, shared: Path | None = None
    ) -> None:
        self._files = _Files(url, "documents", longest, shared)
        self._local = local

    def info(self) -> EngineInfo:
        """What it is."""
        return self._files.connected.where(self._local.info() if self._local else None, "ocr")

    async def read(self, file: FileRef, hints: ReadHints) -> Document:
        """Reads one file. Raises: as the port says."""
        local = self._local.read if self._local else None
        return await self._files.ask(Answer[Document], file, hints, local)

    async def check(self) -> None:
        """Finds out whether the model answers, so that `info` says so."""
        await self._files.connected.check()

    async def close(self) -> None:
        """Ends the connection, and the engine behind it."""
        await self._files.connected.close(self._local)


class TritonTranscriber:
    """Writing down of speech by the model `speech`."""

    def __init__(
        self, url: str, local: Transcriber | None, longest: float, shared: Path | None = None
    ) -> None:
        self._files = _Files(url, "speech", longest, shared)
        self._local = local

    def info(self) -> EngineInfo:
        """What it is."""
        return self._files.connected.where(self._local.info() if self._local else None, "speech")

    async def transcribe(self, file: FileRef, hints: ReadHints) -> Transcript:
        """Writes down one sound. Raises: as the port says."""
        local = self._local.transcribe if self._local else None
        return await self._files.ask(Answer[Transcript], file, hints, local)

    async def check(self) -> None:
        """Finds out whether the model answers, so that `info` says so."""
        await self._files.connected.check()

    async def close(self) -> None:
        """Ends the connection, and the engine behind it."""
        await self._files.connected.close(self._local)


class TritonEmbedder:
    """Vectors by the model `embeddings`; only of the very space that the engine in process has."""

    def __init__(self, url: str, local: Embedder, longest: float) -> None:
        self._connected = Connected(Link(url, "embeddings"))
        self._local = local
        self._longest = longest
        self._shares = FairShare(AT_ONCE, WAITING)

    def info(self) -> EngineInfo:
        """What it is."""
        return self._connected.where(self._local.info(), "embeddings")

    async def embed(self, texts: tuple[str, ...], tenant: str = "") -> tuple[tuple[float, ...], ...]:
        """One vector a text. Raises: as the port says."""
        if self._connected.breaker.closed:
            row = TextsAsked(texts=texts, tenant=tenant).model_dump_json().encode()
            try:
                async with self._shares.place(tenant):
                    (given,) = await self._connected.ask({REQUEST: [row]}, self._longest)
                answer = Answer[Vectors].model_validate_json(given)
            except (Away, Busy, ValidationError):
                answer = Answer()
            if answer.ok is not None and answer.ok.model == self._local.info().model:
                return answer.ok.vectors
        return await self._local.embed(texts, tenant)

    async def check(self) -> None:
        """Finds out whether the model answers, so that `info` says so."""
        await self._connected.check()

    async def close(self) -> None:
        """Ends the connection, and the engine behind it."""
        await self._connected.close(self._local)
