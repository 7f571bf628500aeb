"""Sends what the turns queued: in order within a conversation, no conversation waiting for another.

A row is claimed (marked as being sent) before the call, and its end is written after it. When the answer is
lost the row waits for its status, since nothing else tells whether it was accepted. A row's rights to be sent
(window, opt-out, pair limit, pause) are looked at by the claim, in the database, at the moment of sending.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from munshi.contracts.ids import LaneID, TenantKey
from munshi.db.lanes import Lanes
from munshi.db.outbox import Claim, Claimed, Outbox, SendResult, Unspoken, Wait
from munshi.db.turns import Fenced
from munshi.errors import MunshiError
from munshi.registry import Tenant, TenantDirectory
from munshi.telemetry.spans import Tracing
from munshi_orchestrator.batching import Batcher
from munshi_orchestrator.graph import Answer, GraphApi, NotSent
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.number_rate import NumberRates
from munshi_orchestrator.passing import PASSING, delay_of
from munshi_orchestrator.pauses import Pauses
from munshi_orchestrator.payloads import addressed
from munshi_orchestrator.reading import LaneGrant
from munshi_orchestrator.sends import Conversation, ConversationKey, LaneSends, SendJob, job_of, result_of
from munshi_orchestrator.speaking import Speaking
from munshi_orchestrator.unsettled import Fate, Unsettled
from munshi_orchestrator.verdicts import Consequence, Result, after

_log = structlog.get_logger()

_RETRY_SECONDS = 0.5
"""Between two tries while the database is away."""
_LOOK_AGAIN_SECONDS = {"unsettled": 2.0, "in_flight": 1.0, "paused": 30.0, "back_off": 300.0, "pair": 300.0}
"""Longest wait before the row is looked at again. An unsettled row may be settled by a status that another
worker takes; a pause may be ended by a person's hand."""
_LEAST_SECONDS = 0.02
_OUTCOME_UNKNOWN = "outcome_unknown"
_AGAIN = (Result.RETRY, Result.UNSETTLED)
_SWEEP_SECONDS = 15.0
"""Between two looks for rows that somebody else queued, such as a replayed dead letter."""


@dataclass(frozen=True, slots=True)
class SenderParts:
    """What a sender works with."""

    outbox: Outbox
    lanes: Lanes
    directory: TenantDirectory
    graph: GraphApi
    speaking: Speaking
    settle: Batcher[SendResult, str | None]
    unsettled: Unsettled
    pauses: Pauses
    rates: NumberRates
    metrics: Metrics
    tracing: Tracing


class Sender:
    """Sends of one cell."""

    def __init__(self, parts: SenderParts) -> None:
        self._with = parts
        self._lanes: dict[LaneID, LaneSends] = {}
        self._given_back: set[asyncio.Task[str | None]] = set()
        parts.directory.on_change(self._on_tenant)

    @property
    def conversations(self) -> int:
        """Conversations with something to send."""
        return sum(len(lane.conversations) for lane in self._lanes.values())

    def open(self, grant: LaneGrant) -> None:
        """Begins to send for a lane; finds what an earlier owner left."""
        lane = self._lanes[grant.lane] = LaneSends(grant)
        self._start(lane, self._find_pending(lane))

    async def finish(self, grant: LaneGrant, deadline: float) -> bool:
        """Begins no further send; waits up to `deadline` seconds for those under way. Whether all ended."""
        lane = self._lanes.get(grant.lane)
        if lane is None or lane.grant.fence != grant.fence:
            return True
        lane.closed.set()
        for conversation in lane.conversations.values():
            conversation.woken.set()
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
        for conversation in lane.conversations.values():
            if conversation.job is not None:
                self._give_back(grant.fence, conversation.job)

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
        writing = asyncio.get_running_loop().create_task(self._with.settle.add(result_of(fence, job, end)))
        self._given_back.add(writing)
        writing.add_done_callback(self._given_back.discard)

    def look_again(self, tenant: TenantKey, conversation_id: int) -> None:
        """What held a conversation may be over (a status settled its row)."""
        key = (tenant, conversation_id)
        for lane in self._lanes.values():
            if key in lane.conversations:
                self._wake(lane, key, None)

    def _on_tenant(self, key: TenantKey, _tenant: Tenant | None) -> None:
        for lane in self._lanes.values():
            for (tenant, _), conversation in lane.conversations.items():
                if tenant == key:
                    conversation.woken.set()

    def _wake(self, lane: LaneSends, key: ConversationKey, job: SendJob | None) -> None:
        conversation = lane.conversations.get(key)
        begins = conversation is None
        if conversation is None:
            conversation = lane.conversations[key] = Conversation()
        if job is not None:
            conversation.job = job
        else:
            conversation.more = True
        conversation.woken.set()
        if begins:
            self._start(lane, self._work(lane, key, conversation))

    @staticmethod
    def _start(lane: LaneSends, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        lane.tasks.add(task)
        task.add_done_callback(lane.tasks.discard)

    async def _find_pending(self, lane: LaneSends) -> None:
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
                if key not in lane.conversations:
                    self._wake(lane, key, None)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lane.closed.wait(), _SWEEP_SECONDS)

    async def _work(self, lane: LaneSends, key: ConversationKey, conversation: Conversation) -> None:
        try:
            while True:
                if conversation.job is None:
                    if lane.closing or not conversation.more:
                        return
                    claimed = await self._claim(lane, key, conversation)
                    if claimed is None:
                        continue
                    conversation.job, conversation.more = claimed, True
                if await self._deliver(lane, conversation, conversation.job):
                    conversation.more = True
        except Exception:  # noqa: BLE001 - a defect of ours; logged, and the lane's sweep finds the row again
            _log.exception("sending_stopped", lane=lane.grant.lane, tenant=key[0])
        finally:
            del lane.conversations[key]

    async def _claim(
        self, lane: LaneSends, key: ConversationKey, conversation: Conversation
    ) -> SendJob | None:
        """The conversation's next row; `None` after a wait, or where nothing is left (`more` tells which)."""
        tenant, grant = self._with.directory.get(key[0]), lane.grant
        conversation.woken.clear()
        if tenant is None or tenant.spec.hibernated:
            await self._sleep(conversation, _LOOK_AGAIN_SECONDS["paused"])
            return None
        conversation.more = False
        try:
            fate = await self._with.unsettled.fate(key[0], conversation.unsettled_since)
            rules = self._with.unsettled.rules(fate)
            claim = await self._with.outbox.claim(key[0], grant.lane, grant.fence, key[1], rules)
            if isinstance(claim, Fenced):
                grant.lose()
                return None
            self._count_closed(key[0], claim)
            conversation.unsettled_since = None
            if isinstance(claim.outcome, Claimed):
                job = job_of(tenant, claim.outcome)
                # An answer that was lost may have been told since, by the lane's old owner: no doubt is left.
                if fate is Fate.REFUSED or not claim.outcome.uncertain:
                    return job
                conversation.more = True
                await self._leave_to_a_person(grant.fence, job)
            if isinstance(claim.outcome, Unspoken):
                conversation.more = True
                await self._speak(grant, key[0], claim.outcome)
            if isinstance(claim.outcome, Wait):
                conversation.more = True
                if claim.outcome.reason == "unsettled" and claim.outcome.until is not None:
                    since = claim.outcome.until - timedelta(seconds=rules.settle_after_seconds)
                    conversation.unsettled_since = since
                await self._hold(tenant, conversation, claim.outcome)
        except PASSING as error:
            self._with.unsettled.disturbed()
            conversation.more = True
            await self._sleep(conversation, max(delay_of(error), _RETRY_SECONDS))
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
        await self._with.settle.add(result_of(fence, job, end))

    def _count_closed(self, tenant: TenantKey, claim: Claim) -> None:
        for row in claim.closed:
            self._with.metrics.sends.labels(f"closed_{row.reason}").inc()
            _log.info("send_closed", tenant=tenant, outbox_id=row.id, reason=row.reason)

    async def _hold(self, tenant: Tenant, conversation: Conversation, wait: Wait) -> None:
        if wait.reason == "paused" and await self._with.pauses.resume(tenant):
            # Others may have looked while it was being written, and would sleep on.
            self._on_tenant(tenant.key, tenant)
            return
        seconds = _LOOK_AGAIN_SECONDS[wait.reason]
        if wait.seconds is not None:
            seconds = min(seconds, wait.seconds)
        await self._sleep(conversation, max(_LEAST_SECONDS, seconds))

    @staticmethod
    async def _sleep(conversation: Conversation, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(conversation.woken.wait(), seconds)

    async def _deliver(self, lane: LaneSends, conversation: Conversation, job: SendJob) -> bool:
        """Sends one row and writes its end. Whether it may have to be sent again."""
        tenant = self._with.directory.get(job.tenant)
        token = tenant.credentials.access_token.get_secret_value() if tenant else ""
        with self._with.tracing.span("send", [job.traceparent], tenant=job.tenant, outbox_id=job.id):
            answer = await self._post(lane, conversation, tenant, token, job)
            conversation.leaves(job)
        end = after(answer, job.attempt)
        self._with.metrics.sends.labels(end.label).inc()
        if end.result is Result.SENT:
            self._with.metrics.reply_age.observe(max(0.0, (datetime.now(UTC) - job.since).total_seconds()))
        elif end.alert:
            _log.error("send_refused", tenant=job.tenant, outbox_id=job.id, error=end.label, code=end.code)
        if end.pause is not None and tenant is not None:
            # Before its row is queued again, so that no other row runs into the same wall.
            await self._with.pauses.pause(tenant, job.phone_number_id, token, end.pause)
        await self._with.settle.add(result_of(lane.grant.fence, job, end))
        return end.result in _AGAIN

    async def _post(
        self, lane: LaneSends, conversation: Conversation, tenant: Tenant | None, token: str, job: SendJob
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
        conversation.leaves(job)
        return await self._with.graph.post(
            tenant.spec.whatsapp.graph_version, job.phone_number_id, token, body
        )
