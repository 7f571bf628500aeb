"""What becomes of a step that fails: tried again, or kept as a dead letter with an apology to the person.

Tries are counted in the database, so that a message which kills the process is counted too: after a lane was
taken over from a worker that died, a try is noted right before the turn is computed. Such turns are computed
one at a time (see `turn`), so that a message's neighbours are not blamed for it.
"""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from munshi.contracts.ids import MessageID
from munshi.db.dead_letters import Burial, Graveyard, Mark
from munshi.db.turns import Fenced
from munshi_orchestrator.backoff import backoff
from munshi_orchestrator.files import Unread
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.notices import Notice
from munshi_orchestrator.passing import PASSING, delay_of
from munshi_orchestrator.reading import ASIDE, Halted, Item, Reading
from munshi_orchestrator.turn import Begin

_log = structlog.get_logger()

Got = TypeVar("Got")
Work = Callable[[], Awaitable[None]]
TurnWork = Callable[[Begin], Awaitable[None]]
Apologise = Callable[[Sequence[Item], Notice], Awaitable[None]]
"""Marks events as dealt with, with a polite word to the person."""

_PASSING_CAP_SECONDS = 1.0
"""Longest wait between two tries while something is away: a restarted database is found within a second."""
_DEFECT_CAP_SECONDS = 10.0
_CRASHED = "crashed"
_FAILED = "turn_failed"
_UNREAD = "media_unread"


class _TriedEnough(Exception):
    """Too many workers died while this message was in work."""


class _Tried:
    """How often a message was tried, as the database knows it."""

    def __init__(self, tries: "Tries", reading: Reading, item: Item) -> None:
        self.careful = reading.careful(item)
        self.noted = 0
        self._tries = tries
        self._reading = reading
        self._item = item

    async def begin(self) -> None:
        """Right before a turn is computed: notes a try of what may have killed a worker."""
        if self.careful and not self.noted:
            self.noted = await self._tries.note(self._reading, self._item, _CRASHED)
            if self.noted > self._tries.most:
                raise _TriedEnough


class Tries:
    """Tries steps of a cell until they are done, one way or the other."""

    def __init__(self, graveyard: Graveyard, metrics: Metrics, most: int) -> None:
        self._graveyard = graveyard
        self._metrics = metrics
        self.most = most

    async def until_done(
        self, reading: Reading, items: Sequence[Item], work: TurnWork, apologise: Apologise
    ) -> None:
        """Tries `work` until it succeeds, or until it has failed too often; then the events become dead
        letters and `apologise` marks them as dealt with. `work` calls what it is given when it begins. A
        message whose file cannot be read becomes a dead letter by itself, and `work` goes on without it.

        Raises:
            Halted: the reading was given up.
        """
        first = items[0]
        tried = _Tried(self, reading, first)
        away = failed = 0
        while tried.noted <= self.most:
            try:
                await work(tried.begin)
            except Halted:
                raise
            except _TriedEnough:
                break
            except Unread as unread:
                sorry = functools.partial(apologise, [unread.item], Notice.UNREAD)
                await self._give_up(reading, [unread.item], sorry, _UNREAD)
            except PASSING as error:
                self._metrics.retries.labels("turn", "away").inc()
                away += 1
                _log.warning("turn_waits", message_id=first.envelope.id, reason=str(error))
                await reading.sleep(max(delay_of(error), backoff(away, _PASSING_CAP_SECONDS)))
            except Exception as error:  # noqa: BLE001 - a defect: logged with its trace, counted, tried again
                self._metrics.retries.labels("turn", "defect").inc()
                _log.exception("turn_failed", tenant=first.delivery.tenant, message_id=first.envelope.id)
                failed += 1
                if failed > 1 or not tried.careful:
                    tried.noted = await self.note(reading, first, type(error).__name__)
                if tried.noted >= self.most:
                    break
                await reading.sleep(backoff(failed * 2, _DEFECT_CAP_SECONDS))
            else:
                return
        sorry = functools.partial(apologise, items, Notice.APOLOGY)
        await self._give_up(reading, items, sorry, _FAILED)

    async def aside_until_done(self, reading: Reading, item: Item, work: Work) -> None:
        """The same for an event that waits behind nobody; `work` acks it, or it ends as a dead letter.

        Raises:
            Halted: the reading was given up.
        """
        failed = away = 0
        while failed < self.most:
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
        await self._through(reading, functools.partial(self._bury, reading, item, _FAILED, mark=False))
        await reading.done([item])

    async def _give_up(self, reading: Reading, items: Sequence[Item], apologise: Work, why: str) -> None:
        for item in items:
            await self._through(reading, functools.partial(self._bury, reading, item, why, mark=False))
        try:
            await self._through(reading, apologise)
        except Halted:
            raise
        except Exception:  # noqa: BLE001 - whatever ails the message ails its apology: it goes without one
            _log.exception("apology_failed", tenant=items[0].delivery.tenant)
            for item in items:
                await self._through(reading, functools.partial(self._bury, reading, item, why, mark=True))

    async def note(self, reading: Reading, item: Item, why: str) -> int:
        """Counts one more try; how many there were."""
        message = MessageID(item.envelope.id)
        return await self._through(
            reading, lambda: self._graveyard.note_attempt(item.delivery.tenant, message, why)
        )

    async def _bury(self, reading: Reading, item: Item, why: str, *, mark: bool) -> None:
        """Keeps the event as a dead letter; with `mark` it is dealt with by that."""
        envelope = item.envelope
        kind = str(envelope.raw.get("type") or envelope.kind)
        said = envelope.kind not in ASIDE
        letter = Burial(
            tenant=item.delivery.tenant,
            source="turn",
            key=envelope.id,
            reason=why if said else "event_failed",
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
