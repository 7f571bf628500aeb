"""Sends what the turns queued: in order within a conversation, no conversation waiting for another.

A row is claimed (marked as being sent) before the call, and its end is written after it. When the answer is
lost the row waits for its status, since nothing else tells whether it was accepted. A row's rights to be sent
(window, opt-out, pair limit, pause) are looked at by the claim, in the database, at the moment of sending.
"""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from munshi.contracts.ids import LaneID, MessageID, OutboxID, PhoneNumberID, TenantKey
from munshi.db.lanes import Lanes
from munshi.db.outbox import Claim, Claimed, ClaimRules, Outbox, SendResult, Unspoken, Wait
from munshi.db.turns import Fenced
from munshi.errors import MunshiError
from munshi.registry import Tenant, TenantDirectory
from munshi.sealing import unseal
from munshi_orchestrator.batching import Batcher
from munshi_orchestrator.graph import Answer, GraphApi, NotSent
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.number_rate import NumberRates
from munshi_orchestrator.passing import PASSING, delay_of
from munshi_orchestrator.payloads import addressed
from munshi_orchestrator.reading import LaneGrant
from munshi_orchestrator.speaking import Speaking
from munshi_orchestrator.tracing import Tracing
from munshi_orchestrator.verdicts import Consequence, Pause, Result, after

_log = structlog.get_logger()

_RETRY_SECONDS = 0.5
"""Between two tries while the database is away."""
_LOOK_AGAIN_SECONDS = {"unsettled": 2.0, "in_flight": 1.0, "paused": 30.0, "back_off": 300.0, "pair": 300.0}
"""Longest wait before the row is looked at again. An unsettled row may be settled by a status that another
worker takes; a pause may be ended by a person's hand."""
_LEAST_SECONDS = 0.02
_NOT_YET_SECONDS = 365 * 86_400.0
_PATIENCE = 12
"""A row waits so many times `settle_after_seconds` (an hour, without an outage) for Meta to be heard; then a
person decides."""
_CLOCKS_APART = timedelta(seconds=2)
"""Only what happened by so much later counts as later: Meta's times are of another clock."""
_OUTCOME_UNKNOWN = "outcome_unknown"
_AGAIN = (Result.RETRY, Result.UNSETTLED)
_SWEEP_SECONDS = 15.0
"""Between two looks for rows that somebody else queued, such as a replayed dead letter."""


@dataclass(frozen=True, slots=True)
class SendJob:
    """One claimed row, ready to go."""

    tenant: TenantKey
    id: OutboxID
    attempt: int
    phone_number_id: PhoneNumberID
    body: dict[str, Any]
    phone: str | None
    bsuid: str | None
    since: datetime
    """When the message that it answers arrived, or the row was made: for the age of the reply."""
    traceparent: str | None = None


@dataclass(slots=True)
class _Talk:
    """One conversation with something to send."""

    job: SendJob | None = None
    """Claimed, and not yet on its way to Meta."""
    more: bool = False
    unsettled_since: datetime | None = None
    """Since when the fate of the next row is unknown."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def leaves(self, job: SendJob) -> None:
        """The job is on its way; a later one may have been handed over meanwhile."""
        if self.job is job:
            self.job = None


@dataclass(slots=True)
class _LaneSends:
    grant: LaneGrant
    opened: float = field(default_factory=time.monotonic)
    talks: dict[tuple[TenantKey, int], _Talk] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def closing(self) -> bool:
        return self.closed.is_set()


@dataclass(frozen=True, slots=True)
class SenderParts:
    """What a sender works with."""

    outbox: Outbox
    lanes: Lanes
    directory: TenantDirectory
    graph: GraphApi
    speaking: Speaking
    settle: Batcher[SendResult, str | None]
    rates: NumberRates
    metrics: Metrics
    tracing: Tracing
    rules: ClaimRules
    pause_retry_seconds: float
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Sender:
    """Sends of one cell."""

    def __init__(self, parts: SenderParts) -> None:
        self._with = parts
        self._lanes: dict[LaneID, _LaneSends] = {}
        self._tokens: dict[TenantKey, str] = {}
        """The token under which a tenant was last seen to be paused for its credentials."""
        self._whole_since = time.monotonic()
        self._heard: dict[TenantKey, datetime] = {}
        self._given_back: set[asyncio.Task[str | None]] = set()
        parts.directory.on_change(self._on_tenant)

    @property
    def conversations(self) -> int:
        """Conversations with something to send."""
        return sum(len(lane.talks) for lane in self._lanes.values())

    def open(self, grant: LaneGrant) -> None:
        """Begins to send for a lane; finds what an earlier owner left."""
        lane = self._lanes[grant.lane] = _LaneSends(grant)
        self._start(lane, self._find_pending(lane))

    async def finish(self, grant: LaneGrant, deadline: float) -> bool:
        """Begins no further send; waits up to `deadline` seconds for those under way. Whether all ended."""
        lane = self._lanes.get(grant.lane)
        if lane is None or lane.grant.fence != grant.fence:
            return True
        lane.closed.set()
        for talk in lane.talks.values():
            talk.woken.set()
        if not lane.tasks:
            return True
        _, late = await asyncio.wait(set(lane.tasks), timeout=deadline)
        return not late

    def drop(self, grant: LaneGrant) -> None:
        """Ends all work of a lane at once. Rows on their way to Meta are settled by their statuses; those
        that were only claimed are given back, since nobody else knows that they did not leave."""
        lane = self._lanes.get(grant.lane)
        if lane is None or lane.grant.fence != grant.fence:
            return
        del self._lanes[grant.lane]
        lane.closed.set()
        for task in lane.tasks:
            task.cancel()
        for talk in lane.talks.values():
            if talk.job is not None:
                self._give_back(grant.fence, talk.job)

    async def close(self, seconds: float) -> None:
        """After the last lane: waits until what was given back is written."""
        if self._given_back:
            await asyncio.wait(set(self._given_back), timeout=seconds)

    def send(self, grant: LaneGrant, tenant: TenantKey, conversation_id: int, job: SendJob | None) -> None:
        """Sends the row that a commit has claimed; without one, what waits in the conversation."""
        lane = self._lanes.get(grant.lane)
        if lane is not None and lane.grant.fence == grant.fence:
            self._wake(lane, (tenant, conversation_id), job)
        elif job is not None:
            self._give_back(grant.fence, job)

    def _give_back(self, fence: int, job: SendJob) -> None:
        """Queues a row again that was claimed and not sent; the lane's next owner takes it."""
        end = after(NotSent("lane_lost"), job.attempt)
        writing = asyncio.get_running_loop().create_task(self._with.settle.add(_result(fence, job, end)))
        self._given_back.add(writing)
        writing.add_done_callback(self._given_back.discard)

    def look_again(self, tenant: TenantKey, conversation_id: int) -> None:
        """What held a conversation may be over (a status settled its row)."""
        key = (tenant, conversation_id)
        for lane in self._lanes.values():
            if key in lane.talks:
                self._wake(lane, key, None)

    def disturbed(self) -> None:
        """Bus or database were away: a status may be late by as much."""
        self._whole_since = time.monotonic()

    def heard(self, tenant: TenantKey, at: datetime) -> None:
        """Meta's webhooks reach us: something of this tenant that happened at `at` came without delay."""
        self._heard[tenant] = max(at, self._heard.get(tenant, at))

    def _rules(self, lane: _LaneSends, tenant: TenantKey, talk: _Talk) -> ClaimRules:
        """A lost answer is given up only when its status had the whole time to come, all the way to us. Right
        after an outage, or after taking a lane over, it may still lie on the bus; and while nothing else is
        heard of Meta, it may lie there."""
        rules, since = self._with.rules, talk.unsettled_since
        whole, due = time.monotonic() - max(lane.opened, self._whole_since), rules.settle_after_seconds
        if since and whole >= due and (self._excluded(tenant, since) or whole >= _PATIENCE * due):
            return rules
        return dataclasses.replace(rules, settle_after_seconds=_NOT_YET_SECONDS)

    def _excluded(self, tenant: TenantKey, since: datetime) -> bool:
        """Whether a status would have come by now: later things of the tenant came."""
        heard = self._heard.get(tenant)
        return heard is not None and heard >= since + _CLOCKS_APART

    def _on_tenant(self, key: TenantKey, _: Tenant | None) -> None:
        for lane in self._lanes.values():
            for talk_key, talk in lane.talks.items():
                if talk_key[0] == key:
                    talk.woken.set()

    def _wake(self, lane: _LaneSends, key: tuple[TenantKey, int], job: SendJob | None) -> None:
        talk = lane.talks.get(key)
        begins = talk is None
        if talk is None:
            talk = lane.talks[key] = _Talk()
        if job is not None:
            talk.job = job
        else:
            talk.more = True
        talk.woken.set()
        if begins:
            self._start(lane, self._work(lane, key, talk))

    @staticmethod
    def _start(lane: _LaneSends, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        lane.tasks.add(task)
        task.add_done_callback(lane.tasks.discard)

    async def _find_pending(self, lane: _LaneSends) -> None:
        """Finds what waits in a lane, upon taking it and every so often: a person may have queued rows
        again."""
        while not lane.closing:
            try:
                found = await self._with.lanes.pending(lane.grant.lane, lane.grant.fence)
            except (MunshiError, *PASSING) as error:
                _log.warning("pending_not_read", lane=lane.grant.lane, reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if isinstance(found, Fenced):
                lane.grant.lose()
                return
            for one in found:
                key = (one.tenant, one.conversation_id)
                if key not in lane.talks:
                    self._wake(lane, key, None)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lane.closed.wait(), _SWEEP_SECONDS)

    async def _work(self, lane: _LaneSends, key: tuple[TenantKey, int], talk: _Talk) -> None:
        try:
            while True:
                if talk.job is None:
                    if lane.closing or not talk.more:
                        return
                    claimed = await self._claim(lane, key, talk)
                    if claimed is None:
                        continue
                    talk.job, talk.more = claimed, True
                if await self._deliver(lane, talk, talk.job):
                    talk.more = True
        except Exception:  # noqa: BLE001 - a defect of ours; logged, and the lane's sweep finds the row again
            _log.exception("sending_stopped", lane=lane.grant.lane, tenant=key[0])
        finally:
            del lane.talks[key]

    async def _claim(self, lane: _LaneSends, key: tuple[TenantKey, int], talk: _Talk) -> SendJob | None:
        """The conversation's next row; `None` after a wait, or where nothing is left (`more` tells which)."""
        tenant, grant = self._with.directory.get(key[0]), lane.grant
        talk.woken.clear()
        if tenant is None or tenant.spec.hibernated:
            await self._sleep(talk, _LOOK_AGAIN_SECONDS["paused"])
            return None
        talk.more = False
        try:
            rules = self._rules(lane, key[0], talk)
            claim = await self._with.outbox.claim(key[0], grant.lane, grant.fence, key[1], rules)
            if isinstance(claim, Fenced):
                grant.lose()
                return None
            self._count_closed(key[0], claim)
            since, talk.unsettled_since = talk.unsettled_since, None
            if isinstance(claim.outcome, Claimed):
                job = _job(tenant, claim.outcome)
                # An answer that was lost may have been told since, by the lane's old owner: no doubt is left.
                if not claim.outcome.uncertain or since is None or self._excluded(key[0], since):
                    return job
                talk.more = True
                await self._leave_to_a_person(grant.fence, job)
            if isinstance(claim.outcome, Unspoken):
                talk.more = True
                await self._speak(grant, key[0], claim.outcome)
            if isinstance(claim.outcome, Wait):
                talk.more = True
                if claim.outcome.reason == "unsettled" and claim.outcome.until is not None:
                    since = claim.outcome.until - timedelta(seconds=rules.settle_after_seconds)
                    talk.unsettled_since = since
                await self._hold(tenant, talk, claim.outcome)
        except PASSING as error:
            self.disturbed()
            talk.more = True
            await self._sleep(talk, max(delay_of(error), _RETRY_SECONDS))
        return None

    async def _speak(self, grant: LaneGrant, tenant: TenantKey, row: Unspoken) -> None:
        """Has a voice note spoken; its row is claimed by the next claim."""
        body = await self._with.speaking.body(tenant, row.phone_number_id, row.body)
        if not await self._with.outbox.speak(tenant, grant.lane, grant.fence, row.id, body):
            grant.lose()

    async def _leave_to_a_person(self, fence: int, job: SendJob) -> None:
        """Nobody can tell whether the message left: sent again it may be there twice, else not at all."""
        detail = "no answer and no status came, and nothing else of Meta; replay sends it again"
        end = Consequence(Result.DEAD, _OUTCOME_UNKNOWN, reason=_OUTCOME_UNKNOWN, detail=detail)
        self._with.metrics.sends.labels(end.label).inc()
        _log.error("send_outcome_unknown", tenant=job.tenant, outbox_id=job.id)
        await self._with.settle.add(_result(fence, job, end))

    def _count_closed(self, tenant: TenantKey, claim: Claim) -> None:
        for row in claim.closed:
            self._with.metrics.sends.labels(f"closed_{row.reason}").inc()
            _log.info("send_closed", tenant=tenant, outbox_id=row.id, reason=row.reason)

    async def _hold(self, tenant: Tenant, talk: _Talk, wait: Wait) -> None:
        if wait.reason == "paused" and await self._resumed(tenant):
            return
        seconds = _LOOK_AGAIN_SECONDS[wait.reason]
        if wait.seconds is not None:
            seconds = min(seconds, wait.seconds)
        await self._sleep(talk, max(_LEAST_SECONDS, seconds))

    async def _resumed(self, tenant: Tenant) -> bool:
        """Lets a tenant's numbers go on once for each token: the pause may be of an older one."""
        token = tenant.credentials.access_token.get_secret_value()
        if self._tokens.get(tenant.key) == token:
            return False
        self._tokens[tenant.key] = token
        resumed = await self._with.outbox.resume_numbers(tenant.key, reason=Pause.CREDENTIALS)
        if resumed:
            _log.info("number_resumed", tenant=tenant.key, numbers=len(resumed))
            # Others may have looked while it was being written, and would sleep on.
            self._on_tenant(tenant.key, tenant)
        return bool(resumed)

    @staticmethod
    async def _sleep(talk: _Talk, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(talk.woken.wait(), seconds)

    async def _deliver(self, lane: _LaneSends, talk: _Talk, job: SendJob) -> bool:
        """Sends one row and writes its end. Whether it may have to be sent again."""
        tenant = self._with.directory.get(job.tenant)
        token = tenant.credentials.access_token.get_secret_value() if tenant else ""
        with self._with.tracing.span("send", [job.traceparent], tenant=job.tenant, outbox_id=job.id):
            answer = await self._post(lane, talk, tenant, token, job)
            talk.leaves(job)
        end = after(answer, job.attempt)
        self._with.metrics.sends.labels(end.label).inc()
        if end.result is Result.SENT:
            self._with.metrics.reply_age.observe(max(0.0, (self._with.now() - job.since).total_seconds()))
        elif end.alert:
            _log.error("send_refused", tenant=job.tenant, outbox_id=job.id, error=end.label, code=end.code)
        if end.pause is not None and tenant is not None:
            await self._pause(tenant, job.phone_number_id, token, end.pause)
        await self._with.settle.add(_result(lane.grant.fence, job, end))
        return end.result in _AGAIN

    async def _post(
        self, lane: _LaneSends, talk: _Talk, tenant: Tenant | None, token: str, job: SendJob
    ) -> Answer:
        if tenant is None:
            return NotSent("tenant_gone")
        try:
            await self._with.rates.slot(job.tenant, job.phone_number_id)
        except PASSING:
            return NotSent("no_slot")
        if not lane.grant.lasts():
            # What this worker still knows of its own send is true: nothing was sent.
            return NotSent("lane_lost")
        body = addressed(job.body, job.id, phone=job.phone, bsuid=job.bsuid)
        talk.leaves(job)
        return await self._with.graph.post(
            tenant.spec.whatsapp.graph_version, job.phone_number_id, token, body
        )

    async def _pause(self, tenant: Tenant, number: PhoneNumberID, token: str, why: Pause) -> None:
        """Stops a number, before its row is queued again, so that no other row runs into the same wall."""
        now_known = self._with.directory.get(tenant.key)
        if why is Pause.CREDENTIALS:
            if now_known and now_known.credentials.access_token.get_secret_value() != token:
                return
            self._tokens[tenant.key] = token
            until = None
        else:
            until = self._with.now() + timedelta(seconds=self._with.pause_retry_seconds)
        try:
            await self._with.outbox.pause_number(tenant.key, number, why, until)
        except (MunshiError, *PASSING) as error:
            _log.warning("pause_not_written", tenant=tenant.key, reason=str(error))
        renewed = self._with.directory.get(tenant.key)
        if (
            why is Pause.CREDENTIALS
            and renewed
            and renewed.credentials.access_token.get_secret_value() != token
        ):
            # The new token came while the pause was being written, and its resumption may have gone before:
            # whoever finds the number paused resumes it once more.
            self._tokens.pop(tenant.key, None)
        _log.error("number_paused", tenant=tenant.key, reason=why)


def _job(tenant: Tenant, row: Claimed) -> SendJob:
    found: dict[str, str] = {}
    for identity in row.identities:
        if identity.kind not in found:
            found[identity.kind] = unseal(tenant.data_key, identity.sealed, tenant.key).decode()
    return SendJob(
        tenant=tenant.key,
        id=row.id,
        attempt=row.attempt,
        phone_number_id=row.phone_number_id,
        body=row.body,
        phone=found.get("phone"),
        bsuid=found.get("bsuid"),
        since=row.created_at,
    )


def _result(fence: int, job: SendJob, end: Consequence) -> SendResult:
    return SendResult(
        tenant=job.tenant,
        id=job.id,
        attempt=job.attempt,
        fence=fence,
        result=end.result.value,
        wamid=MessageID(end.wamid) if end.wamid else None,
        retry_in=end.retry_in,
        error_code=end.code,
        error_detail=end.detail,
        reason=end.reason,
        opt_out=end.opts_out,
    )
