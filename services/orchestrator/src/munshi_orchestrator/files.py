"""Has the files of a step read before its turn is computed: asked for as often as it takes, announced once
where it takes long, given up after a while.

It happens in the conversation's place in the order and outside the places for turns: other conversations go
on, and whatever a file does to its reader is never blamed on the turn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from munshi.contracts.ids import MessageID
from munshi.contracts.media import MediaAnswer, MediaProgress, ReadRequest, Verb
from munshi.errors import MunshiError
from munshi.tasks import end
from munshi_orchestrator.backoff import backoff
from munshi_orchestrator.media import MediaAway, MediaClient
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.passing import PASSING
from munshi_orchestrator.reading import Halted, Item, Reading
from munshi_orchestrator.steps import Step

_log = structlog.get_logger()

_LONG_SECONDS = 3.0
"""What will take longer is announced; a receipt is read within this."""
_CAP_SECONDS = 5.0
"""Longest wait between two tries of our own; the service may ask for more."""
_MOST_SECONDS = 30.0
"""Longest wait that the service may ask for."""

Announce = Callable[[MessageID], Awaitable[None]]
"""Tells the person that a message takes long."""


class Unread(MunshiError):
    """A file could not be read in all the time that there is: its message is to be given up."""

    def __init__(self, item: Item, reason: str) -> None:
        super().__init__(f"not read: {reason}")
        self.item = item
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FilePatience:
    """How long things may take, in seconds."""

    overall: float
    """From the first try of a file until its message is given up."""
    announce: float
    """Until the person is told that it takes long."""


class Files:
    """Reads the files of steps, by the media service of a cell."""

    def __init__(self, media: MediaClient, patience: FilePatience, metrics: Metrics) -> None:
        self._media = media
        self._patience = patience
        self._metrics = metrics

    async def read(self, reading: Reading, step: Step, announce: Announce) -> Step:
        """The step with the answer to each of its files.

        Raises:
            Unread: one of them was given up.
            Halted: the reading was given up.
        """
        told = _Once(announce)
        tasks = [asyncio.create_task(self._one(reading, *unread, told)) for unread in step.unread]
        try:
            answers = await reading.unless_halted(asyncio.gather(*tasks))
        finally:
            await end(*tasks)
        return step.with_answers(dict(answers))

    async def _one(
        self, reading: Reading, item: Item, request: ReadRequest, told: "_Once"
    ) -> tuple[MessageID, MediaAnswer]:
        began, tries = time.monotonic(), 0
        until = began + self._patience.overall

        async def heard(progress: MediaProgress | None) -> None:
            expected = progress.expected_seconds if progress else None
            passed = time.monotonic() - began
            if passed > self._patience.announce or (expected or 0.0) > _LONG_SECONDS:
                await told.tell(request.message_id)

        while True:
            tries += 1
            try:
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - time.monotonic()):
                    answer = await self._media.ask(Verb.READ, request, heard)
            except MediaAway as error:
                reason, delay = error.reason, min(_MOST_SECONDS, error.delay)
            except TimeoutError:
                reason, delay = "too_slow", 0.0
            else:
                self._metrics.files.labels(_outcome(answer)).inc()
                self._metrics.file_seconds.observe(time.monotonic() - began)
                return request.message_id, answer
            self._metrics.retries.labels("file", reason).inc()
            _log.warning("file_waits", tenant=request.tenant, message_id=request.message_id, reason=reason)
            wait = max(delay, backoff(tries, _CAP_SECONDS))
            if time.monotonic() + wait > until:
                self._metrics.files.labels("given_up").inc()
                raise Unread(item, reason)
            await heard(None)
            await reading.sleep(wait)


class _Once:
    """Announces a step's first slow message, whichever that is; a failure is tried again at the next sign of
    life, since nothing but a courtesy is lost meanwhile."""

    def __init__(self, announce: Announce) -> None:
        self._announce = announce
        self._told = False

    async def tell(self, message_id: MessageID) -> None:
        if self._told:
            return
        self._told = True
        try:
            await self._announce(message_id)
        except Halted:
            raise
        except PASSING as error:
            self._told = False
            _log.info("announcement_waits", message_id=message_id, reason=str(error))


def _outcome(answer: MediaAnswer) -> str:
    if answer.refused is not None:
        return f"refused_{answer.refused.value}"
    if answer.document is not None:
        return "read"
    return "kept" if answer.transcript is None else "heard"
