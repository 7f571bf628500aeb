"""What becomes of a step that fails: tried again, or kept as a dead letter with an apology to the person.

Tries are counted in the database, so that a message which kills the process is counted too: after a lane was
taken over from a worker that died, a try is noted right before the turn is computed. Such turns are computed
one at a time (see `turn`), so that a message's neighbours are not blamed for it.
"""

import functools
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from munshi.contracts.ids import MessageID
from munshi.db.dead_letters import Burial, Graveyard, Mark
from munshi.db.turns import Fenced
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.passing import PASSING, delay_of
from munshi_orchestrator.reading import ASIDE, Halted, Item, Reading
from munshi_orchestrator.turn import Begin

_log = structlog.get_logger()

Got = TypeVar("Got")
Work = Callable[[], Awaitable[None]]
TurnWork = Callable[[Begin], Awaitable[None]]

_PASSING_CAP_SECONDS = 1.0
"""Longest wait between two tries while something is away: a restarted database is found within a second."""
_DEFECT_CAP_SECONDS = 10.0
_CRASHED = "crashed"


def backoff(tries: int, cap: float) -> float:
    """Seconds before the next try after so many: doubling from 50 ms up to `cap`, half of it at random."""
    seconds = min(cap, 0.05 * 2.0 ** min(tries, 12))
    return seconds * (0.5 + random.random() / 2)


class _TriedEnough(Exception):
    """Too many workers died while this message was in work."""


class Tries:
    """Tries steps of a cell until they are done, one way or the other."""

    def __init__(self, graveyard: Graveyard, metrics: Metrics, most: int) -> None:
        self._graveyard = graveyard
        self._metrics = metrics
        self._most = most

    async def until_done(
        self, reading: Reading, items: Sequence[Item], work: TurnWork, apologise: Work
    ) -> None:
        """Tries `work` until it succeeds, or until it has failed too often; then the events become dead
        letters and `apologise` marks them as dealt with. `work` calls what it is given when it begins.

        Raises:
            Halted: the reading was given up.
        """
        first = items[0]
        careful = reading.careful(first)
        noted = away = failed = 0

        async def begin() -> None:
            nonlocal noted
            if careful and not noted:
                noted = await self._note(reading, first, _CRASHED)
                if noted > self._most:
                    raise _TriedEnough

        while noted <= self._most:
            try:
                await work(begin)
            except Halted:
                raise
            except _TriedEnough:
                break
            except PASSING as error:
                self._metrics.retries.labels("turn", "away").inc()
                away += 1
                _log.warning("turn_waits", message_id=first.envelope.id, reason=str(error))
                await reading.sleep(max(delay_of(error), backoff(away, _PASSING_CAP_SECONDS)))
            except Exception as error:  # noqa: BLE001 - a defect: logged with its trace, counted, tried again
                self._metrics.retries.labels("turn", "defect").inc()
                _log.exception("turn_failed", tenant=first.delivery.tenant, message_id=first.envelope.id)
                failed += 1
                if failed > 1 or not careful:
                    noted = await self._note(reading, first, type(error).__name__)
                if noted >= self._most:
                    break
                await reading.sleep(backoff(failed * 2, _DEFECT_CAP_SECONDS))
            else:
                return
        await self._give_up(reading, items, apologise)

    async def aside_until_done(self, reading: Reading, item: Item, work: Work) -> None:
        """The same for an event that waits behind nobody; `work` acks it, or it ends as a dead letter.

        Raises:
            Halted: the reading was given up.
        """
        failed = away = 0
        while failed < self._most:
            try:
                await work()
            except PASSING as error:
                self._metrics.retries.labels("aside", "away").inc()
                away += 1
                await reading.sleep(max(delay_of(error), backoff(away, _PASSING_CAP_SECONDS)))
            except Exception:  # noqa: BLE001 - a defect: logged with its trace, counted, tried again
                self._metrics.retries.labels("aside", "defect").inc()
                _log.exception("aside_failed", tenant=item.delivery.tenant, kind=item.envelope.kind)
                failed += 1
                await reading.sleep(backoff(failed * 2, _DEFECT_CAP_SECONDS))
            else:
                return
        await self._through(reading, functools.partial(self._bury, reading, item, mark=False))
        await reading.done([item])

    async def _give_up(self, reading: Reading, items: Sequence[Item], apologise: Work) -> None:
        for item in items:
            await self._through(reading, functools.partial(self._bury, reading, item, mark=False))
        try:
            await self._through(reading, apologise)
        except Halted:
            raise
        except Exception:  # noqa: BLE001 - whatever ails the message ails its apology: it goes without one
            _log.exception("apology_failed", tenant=items[0].delivery.tenant)
            for item in items:
                await self._through(reading, functools.partial(self._bury, reading, item, mark=True))

    async def _note(self, reading: Reading, item: Item, why: str) -> int:
        message = MessageID(item.envelope.id)
        return await self._through(
            reading, lambda: self._graveyard.note_attempt(item.delivery.tenant, message, why)
        )

    async def _bury(self, reading: Reading, item: Item, *, mark: bool) -> None:
        """Keeps the event as a dead letter; with `mark` it is dealt with by that."""
        envelope = item.envelope
        kind = str(envelope.raw.get("type") or envelope.kind)
        said = envelope.kind not in ASIDE
        letter = Burial(
            tenant=item.delivery.tenant,
            source="turn",
            key=envelope.id,
            reason="turn_failed" if said else "event_failed",
            payload=envelope.model_dump(mode="json"),
            message_id=MessageID(envelope.id) if said else None,
            mark=Mark(kind, envelope.received_at, envelope.at) if mark else None,
            lane=reading.grant.lane,
            fence=reading.grant.fence,
        )
        if isinstance(await self._graveyard.bury(letter), Fenced):
            reading.grant.lose()
            raise Halted
        if not mark:
            self._metrics.dead_letters.labels("turn", letter.reason).inc()
            _log.error(
                "turn_given_up" if said else "event_given_up", tenant=letter.tenant, message_id=envelope.id
            )

    async def _through(self, reading: Reading, work: Callable[[], Awaitable[Got]]) -> Got:
        """Does something that only what is away can hinder."""
        tries = 0
        while True:
            try:
                return await work()
            except PASSING as error:
                tries += 1
                await reading.sleep(max(delay_of(error), backoff(tries, _PASSING_CAP_SECONDS)))
