"""One step of a conversation, from its events to the commit: load, rule, compute, write, hand to the sender.

A step is done when its messages are marked in the database. Until then it is tried again: for ever where the
trouble passes by itself, a few times where it is a defect; `failures` decides which is which.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from munshi.contracts.assistant import Assistant, Balance, Reply, TurnInput, TurnOutcome, Usage
from munshi.contracts.ids import MessageID
from munshi.contracts.media import Embedder
from munshi.contracts.tenant import AssistantKind
from munshi.db.connection import Pool
from munshi.db.ledger import BalanceQuery, LedgerBooks, read_balances
from munshi.db.turns import (
    Announced,
    CommitResult,
    Committed,
    Conflict,
    Fenced,
    LoadedTurn,
    Seen,
    TurnCommit,
    TurnQuery,
    Turns,
)
from munshi.telemetry.spans import Tracing
from munshi_orchestrator.barrier import Barrier
from munshi_orchestrator.batching import Batcher
from munshi_orchestrator.drafts import announcement, apology, drafted, kept, worded
from munshi_orchestrator.files import Files
from munshi_orchestrator.likeness import with_vectors
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.notices import Notice
from munshi_orchestrator.number_rate import NumberRates
from munshi_orchestrator.outbox import Sender
from munshi_orchestrator.people import earlier_places
from munshi_orchestrator.reading import Halted, Reading
from munshi_orchestrator.rulings import Disposition, rule
from munshi_orchestrator.sends import SendJob
from munshi_orchestrator.steps import Step

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What turns of a cell work with."""

    partitions: int
    pool: Pool
    turns: Turns
    barrier: Barrier
    sender: Sender
    files: Files
    rates: NumberRates
    assistants: Mapping[AssistantKind, Assistant]
    """Those that are there; a tenant of another kind is told so."""
    embedder: Embedder | None
    """What memories are compared by."""
    metrics: Metrics
    tracing: Tracing
    concurrent: int


@dataclass(frozen=True, slots=True)
class Done:
    """The step is written, or was before."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Later:
    """The step has to wait for its own pace; its conversation waits with it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class LinkFirst:
    """A new identity of the person turned up: link it, then begin again."""


@dataclass(frozen=True, slots=True)
class Again:
    """Somebody wrote meanwhile; begin again, perhaps with fewer events."""

    step: Step | None


@dataclass(frozen=True, slots=True)
class ReadFirst:
    """There are files to be read before a turn can be computed. `loaded` is what the turn was loaded as;
    `told`: the person hears of it where it takes long."""

    loaded: LoadedTurn
    told: bool


_WITH_FILES = (Disposition.TURN, Disposition.HUMAN)
"""Files of messages that are not answered for other reasons are not read."""

_TOGETHER = 16
"""Turns that are read by one statement at most: of the five seconds that it may take, 300 ms for each."""

Progress = Done | Later | LinkFirst | Again | ReadFirst

Begin = Callable[[], Awaitable[None]]
"""Called right before a turn is computed, when nothing is left to wait for."""


class TurnRunner:
    """Does steps of conversations of one cell."""

    def __init__(self, parts: TurnParts) -> None:
        self._with = parts
        self._slots = asyncio.Semaphore(parts.concurrent)
        self._alone = asyncio.Semaphore(1)
        """For what may have killed a worker: one at a time, so that its neighbours are not blamed for it."""
        self._loads: Batcher[TurnQuery, LoadedTurn] = Batcher(parts.turns.load_all, _TOGETHER, again=False)
        self._balances: Batcher[BalanceQuery, Sequence[Balance]] = Batcher(
            functools.partial(read_balances, parts.pool), _TOGETHER, again=False
        )
        steps = parts.metrics.turn_steps
        self._load_seconds = steps.labels("load")
        self._compute_seconds = steps.labels("compute")
        self._commit_seconds = steps.labels("commit")

    @property
    def crowded(self) -> bool:
        """Whether all places for turns are taken: what takes long is then the queue, not a turn."""
        return self._slots.locked()

    async def close(self) -> None:
        """Ends the reads under way, after the last turn."""
        await self._loads.close()
        await self._balances.close()

    async def run(self, reading: Reading, step: Step, waiting: int, begin: Begin) -> str:
        """Does a step for good; gives back what became of it. `waiting` more events stand behind it.

        Raises:
            Halted: the lane is no longer ours to work on.
            Retryable: something is away; nothing was written, or the mark tells.
            Exception: a defect, of the assistant or of ours; nothing was written.
        """
        left: Step | None = step
        while left is not None:
            if not reading.live:
                raise Halted
            async with self._alone if reading.careful(left.first) else self._slots:
                progress = await self._once(reading, left, waiting, begin)
            match progress:
                case Done(outcome):
                    self._with.metrics.turn(outcome).inc()
                    return outcome
                case Later(seconds):
                    await reading.sleep(seconds)
                case LinkFirst():
                    await self._link(reading, left)
                case ReadFirst(loaded, told):
                    left = await self._read_files(reading, left, loaded, told=told)
                case Again(rest):
                    left = rest
        self._with.metrics.turn("duplicate").inc()
        return "duplicate"

    async def apologise(self, reading: Reading, step: Step, notice: Notice) -> None:
        """Marks a step that cannot be done, with a polite word to the person.

        Raises: as `run`.
        """
        left: Step | None = step
        while left is not None:
            tenant = step.tenant
            loaded = await self._with.turns.load(tenant.key, step.number, step.identities, left.message_ids)
            left = left.without(loaded.seen)
            if left is None:
                return
            match await self._write(reading, left, apology(reading.grant, left, loaded, notice)):
                case Done(outcome):
                    self._with.metrics.turn(outcome).inc()
                    return
                case LinkFirst():
                    await self._link(reading, left)

    async def _once(self, reading: Reading, step: Step, waiting: int, begin: Begin) -> Progress:
        began = time.perf_counter()
        tenant = step.tenant
        loaded = await self._loads.add(TurnQuery(tenant.key, step.number, step.identities, step.message_ids))
        self._load_seconds.observe(time.perf_counter() - began)
        rest = step.without(loaded.seen)
        if rest is not step:
            return Again(rest)
        if loaded.merge or (loaded.unlinked and (len(step.identities) > 1 or loaded.person)):
            return LinkFirst()
        if not step.said:
            return await self._write(reading, step, kept(reading.grant, step, loaded))
        now = datetime.now(UTC)
        ruling = rule(tenant.spec, loaded.conversation, step.said, waiting, now)
        if ruling.wait > 0:
            return Later(ruling.wait)
        if step.unread and ruling.disposition in _WITH_FILES:
            return ReadFirst(loaded, told=ruling.disposition is Disposition.TURN)
        await begin()
        outcome: TurnOutcome | None = None
        if ruling.disposition is Disposition.TURN:
            outcome = await self._compute(step, loaded, now)
        commit = drafted(reading.grant, step, loaded, ruling, outcome)
        return await self._write(reading, step, commit)

    async def _read_files(self, reading: Reading, step: Step, loaded: LoadedTurn, *, told: bool) -> Step:
        """Outside the places for turns: a file may take minutes, and nothing of this worker meanwhile."""

        async def announce(message_id: MessageID) -> None:
            if not told:
                return
            commit = announcement(reading.grant, step, loaded, message_id)
            match await self._with.turns.announce(commit):
                case Announced(conversation_id):
                    self._with.sender.send(reading.grant, step.tenant.key, conversation_id, None)
                case Fenced():
                    reading.grant.lose()
                    raise Halted

        return await self._with.files.read(reading, step, announce)

    async def _compute(self, step: Step, loaded: LoadedTurn, now: datetime) -> TurnOutcome:
        tenant, talk = step.tenant, loaded.conversation
        assistant = self._with.assistants.get(tenant.spec.assistant)
        if assistant is None:
            text = worded(Notice.UNAVAILABLE, step, loaded)
            return TurnOutcome(state=talk.state if talk else {}, replies=(Reply(text=text),))
        person = loaded.person
        given = TurnInput(
            tenant=tenant.key,
            spec=tenant.spec,
            now=now,
            person_name=step.person.name or (person.name if person else None),
            language=talk.language if talk else None,
            said=step.said,
            state=talk.state if talk else {},
            usage=Usage(
                transactions_this_month=loaded.transactions_this_month,
                messages_today=talk.day_count if talk else 0,
            ),
            voice_replies=person.voice_replies if person else False,
            reader=LedgerBooks(
                self._with.pool,
                tenant.key,
                person.id if person else None,
                loaded.customers,
                self._with.embedder,
                self._balances.add,
            ),
        )
        began = time.perf_counter()
        outcome = await with_vectors(self._with.embedder, tenant.key, await assistant.turn(given))
        self._compute_seconds.observe(time.perf_counter() - began)
        return outcome

    async def _write(self, reading: Reading, step: Step, commit: TurnCommit) -> Progress:
        if not reading.live:
            raise Halted
        began = time.perf_counter()
        result = await self._with.turns.commit(commit)
        self._commit_seconds.observe(time.perf_counter() - began)
        return self._after_commit(reading, step, commit, result)

    def _after_commit(
        self, reading: Reading, step: Step, commit: TurnCommit, result: CommitResult
    ) -> Progress:
        """The one table of what a commit's answer means."""
        match result:
            case Committed():
                self._with.rates.received(step.tenant.key, step.number, len(step.items))
                self._hand_over(reading, step, commit, result)
                return Done(commit.messages[0].disposition)
            case Seen(seen):
                return Again(step.without(seen))
            case Conflict("merge"):
                return LinkFirst()
            case Conflict():
                self._with.metrics.retries.labels("turn", "conflict").inc()
                return Again(step)
            case Fenced():
                reading.grant.lose()
                raise Halted

    def _hand_over(self, reading: Reading, step: Step, commit: TurnCommit, done: Committed) -> None:
        """Gives the replies to the sender: the first at once, where the commit has claimed it."""
        if not done.outbox:
            return
        sender, grant, key = self._with.sender, reading.grant, step.tenant.key
        first, claimed = done.outbox[0], done.outbox[0].claimed
        job = None
        if claimed:
            job = SendJob(
                tenant=key,
                id=first.id,
                attempt=1,
                phone_number_id=step.number,
                body=commit.replies[0].body,
                phone=step.person.phone,
                bsuid=step.person.bsuid,
                since=step.first.envelope.received_at,
                traceparent=step.first.delivery.traceparent,
            )
        sender.send(grant, key, done.conversation_id, job)
        if claimed and len(done.outbox) > 1:
            sender.send(grant, key, done.conversation_id, None)

    async def _link(self, reading: Reading, step: Step) -> None:
        tenant = step.tenant
        partitions = self._with.partitions
        before = earlier_places(tenant, partitions, step.number, step.person, step.first.delivery.subject)
        await self._with.barrier.passed(reading, before, step.first.delivery.sequence)
        lane = reading.grant.lane
        linked = await self._with.turns.link(tenant.key, lane, step.identities, step.person.name)
        _log.info("person_linked", tenant=tenant.key, merged=len(linked.merged))
        for conversation_id in linked.pending:
            self._with.sender.send(reading.grant, tenant.key, conversation_id, None)
