"""What Meta may answer to a send, and what becomes of the reply then."""

import asyncio
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from munshi.contracts.tenant import WhatsAppTenant
from orchestrator.stage import MORTAL, Script, Sent, Stage, refusal
from rig.cells import credentials
from rig.frozen import frozen
from rig.waiting import eventually


def once(answer: Callable[[], web.Response]) -> Script:
    """Answers so the first time, and accepts from then on."""
    left = [answer]

    async def script(_: Sent) -> web.Response | None:
        return left.pop()() if left else None

    return script


async def state(stage: Stage) -> str:
    return str(await stage.one("select state from outbox order by id limit 1"))


async def until_state(stage: Stage, wanted: str) -> None:
    async def reached() -> bool:
        return await state(stage) == wanted

    await eventually(reached, f"the row is {wanted}")


@pytest.mark.parametrize("code", [131000, 130429, 131016])
async def test_a_passing_error_is_tried_again(stage: Stage, code: int) -> None:
    stage.graph.script = once(lambda: refusal(code, 500))
    stage.worker()
    await stage.say("help")
    await stage.replies(1)
    assert len(stage.graph.tried) == 2
    assert stage.graph.tried[1].at - stage.graph.tried[0].at >= 1.0


async def test_the_pair_limit_holds_that_pair_only(stage: Stage) -> None:
    async def pair_limit(sent: Sent) -> web.Response | None:
        held = sent.to == "919800000001" and not stage.graph.to("919800000002")
        return refusal(131056) if held else None

    stage.graph.script = pair_limit
    stage.worker()
    await stage.say("help", "919800000001")
    await eventually(lambda: stage.graph.tried, "the first is refused")
    await stage.say("help", "919800000002")
    await stage.replies(1, "919800000002")
    await stage.replies(1, "919800000001")
    tried = [one.at for one in stage.graph.tried if one.to == "919800000001"]
    assert tried[1] - tried[0] >= 4.0


async def test_our_own_pair_bucket_spaces_what_is_beyond_the_burst(stage: Stage) -> None:
    stage.worker()
    began = time.monotonic()
    for _ in range(47):
        await stage.say("help")
    sent = await stage.replies(47)
    # Each 6 s after the one before, counted from the first: that one took a place after this had begun.
    assert [sent[n].at - began >= least for n, least in ((45, 5.9), (46, 11.9))] == [True, True]


@pytest.mark.parametrize(
    ("code", "ends"),
    [(131047, "failed"), (131026, "failed"), (132001, "failed"), (131053, "failed"), (100, "dead")],
)
async def test_what_is_final_is_recorded_and_the_conversation_goes_on(
    stage: Stage, code: int, ends: str
) -> None:
    stage.graph.script = once(lambda: refusal(code))
    stage.worker()
    await stage.say("help")
    await until_state(stage, ends)
    await stage.say("help")
    await stage.replies(1)
    assert await stage.one("select error_code from outbox order by id limit 1") == code
    letters = await stage.rows("select source, reason, payload from dead_letters")
    assert [letter["source"] for letter in letters] == (["send"] if ends == "dead" else [])


async def test_an_opt_out_told_by_meta_is_kept_to(stage: Stage) -> None:
    stage.graph.script = once(lambda: refusal(131050))
    stage.worker()
    await stage.say("help")
    await until_state(stage, "failed")
    await stage.say("help")
    await stage.settled()
    assert stage.graph.sent == []
    assert await stage.one("select opted_out_at from conversations") is not None


async def test_an_expired_token_keeps_everything_until_it_is_renewed(stage: Stage) -> None:
    async def expired(sent: Sent) -> web.Response | None:
        return None if sent.token == "fresh" else refusal(190, 401)

    stage.graph.script = expired
    stage.worker()
    asked = [await stage.say("help") for _ in range(3)]
    other = await stage.say("help", "919800000002")

    async def paused() -> bool:
        return bool(await stage.one("select paused_reason from numbers") == "credentials")

    await eventually(paused)
    known = stage.credentials
    fresh = credentials(
        access_token="fresh",
        lookup_key=known.lookup_key.get_secret_value(),
        data_key=known.data_key.get_secret_value(),
    )
    await stage.cells.put_tenant(_document(stage), fresh)
    # Before the half minute is over after which it would look by itself.
    sent = await stage.replies(3, seconds=25)
    assert [one.body["context"]["message_id"] for one in sent] == asked
    (only,) = await stage.replies(1, "919800000002")
    assert only.body["context"]["message_id"] == other
    assert await stage.one("select count(*) from numbers where paused_reason is not null") == 0


def _document(stage: Stage) -> WhatsAppTenant:
    return WhatsAppTenant.model_validate(
        {
            "apiVersion": "munshi.dev/v1alpha1",
            "kind": "WhatsAppTenant",
            "metadata": {"name": stage.entry.name, "namespace": stage.entry.namespace},
            "spec": stage.entry.spec.model_dump(by_alias=True, exclude_none=True),
        }
    )


async def test_a_stopped_number_sends_one_message_after_the_pause(stage: Stage) -> None:
    stage.graph.script = once(lambda: refusal(131048))
    stage.worker(pause_retry_seconds="1")
    await stage.say("help")
    await stage.replies(1)
    assert stage.graph.tried[1].at - stage.graph.tried[0].at >= 1.0


def accept_and_cut(stage: Stage, cut: list[Sent]) -> Script:
    """The first message is accepted, and the answer to it gets lost."""

    async def accept(sent: Sent) -> web.Response | None:
        if cut:
            return None
        cut.append(sent)
        stage.graph.sent.append(sent)
        raise ConnectionResetError

    return accept


async def test_a_lost_answer_is_one_message_and_the_next_waits_for_its_status(stage: Stage) -> None:
    cut: list[Sent] = []
    stage.graph.script = accept_and_cut(stage, cut)
    stage.worker()
    await stage.say("help")
    await until_state(stage, "unsettled")
    await stage.say("help")
    await eventually(lambda: _queued(stage))
    assert len(stage.graph.sent) == 1
    await stage.status(cut[0], "sent", timestamp=str(int(datetime.now(UTC).timestamp())))
    await stage.replies(2)
    await stage.settled()
    assert [one["wamid"] for one in await stage.rows("select wamid from outbox order by id")] == [
        one.wamid for one in stage.graph.sent
    ]


async def _queued(stage: Stage) -> bool:
    return bool(await stage.one("select count(*) from outbox where state = 'queued'") == 1)


def lose_the_first(tried: list[Sent]) -> Script:
    """Notes each send; the answer to the first one gets lost."""

    async def swallow(sent: Sent) -> web.Response | None:
        tried.append(sent)
        if len(tried) == 1:
            raise ConnectionResetError
        return None

    return swallow


async def test_a_lost_answer_is_sent_again_when_later_things_came_and_no_status(stage: Stage) -> None:
    tried: list[Sent] = []
    stage.graph.script = lose_the_first(tried)
    stage.worker(settle_after_seconds="2")
    asked = await stage.say("help")
    await until_state(stage, "unsettled")
    await stage.say("help", "919800000002", at=datetime.now(UTC) + timedelta(seconds=3))
    await stage.replies(1, "919800000002")
    (sent,) = await stage.replies(1)
    assert sent.at - tried[0].at >= 2.0
    assert sent.body["context"]["message_id"] == asked


async def test_a_lost_answer_is_not_sent_again_while_its_status_may_lie_on_the_bus(stage: Stage) -> None:
    """Its lane is far behind, and another lane has long told of later things."""
    asked, cut = "919800000001", list[Sent]()
    lane = stage.partition(asked)
    others = [f"9198000001{n:02d}" for n in range(100)]
    slow = next(phone for phone in others if stage.partition(phone) == lane)
    quick = next(phone for phone in others if stage.partition(phone) != lane)
    # Long enough for all that lies on the bus below to come within it, on a slow machine too: what came later
    # holds nothing up.
    stage.worker(settle_after_seconds="10", in_flight_per_lane="10")
    known = await stage.say("help", slow)
    await stage.replies(1, slow)
    await stage.settled()
    stage.graph.script = accept_and_cut(stage, cut)
    await stage.say("help", asked)
    await eventually(lambda: stage.one("select count(*) = 1 from outbox where state = 'unsettled'"))
    conversation = await stage.one(
        "select conversation_id from inbound_messages where message_id = $1", known
    )
    await stage.db.execute("begin")
    try:
        await stage.db.execute(f"select from conversations where id = {conversation} for update")
        for _ in range(10):
            await stage.say("help", slow)
        await stage.status(cut[0], "sent", asked, timestamp=str(int(datetime.now(UTC).timestamp())))
        await stage.say("help", quick, at=datetime.now(UTC) + timedelta(seconds=3))
        await stage.replies(1, quick)
        overdue = "clock_timestamp() - max(sending_at) > interval '16 s'"
        await eventually(lambda: stage.one(f"select {overdue} from outbox where state = 'unsettled'"))
        assert len(stage.graph.to(asked)) == 1
    finally:
        await stage.db.execute("rollback")
    await stage.replies(11, slow)
    await stage.settled()
    assert len(stage.graph.to(asked)) == 1
    assert await stage.rows("select reason from dead_letters") == []


async def test_a_lost_answer_is_left_to_a_person_while_nothing_is_heard_of_meta(stage: Stage) -> None:
    tried: list[Sent] = []
    stage.graph.script = lose_the_first(tried)
    worker = stage.worker(settle_after_seconds="0.3")
    asked = await stage.say("help")
    await until_state(stage, "dead")
    assert len(tried) == 1, "it was sent again though nobody knows whether it is there"
    letter = await stage.rows("select source, reason, message_id from dead_letters")
    assert [tuple(one.values()) for one in letter] == [("send", "outcome_unknown", asked)]
    assert '"send_outcome_unknown"' in worker.log

    later = await stage.say("help")
    (sent,) = await stage.replies(1)
    assert sent.body["context"]["message_id"] == later, "the conversation goes on"
    assert await stage.one("select replay_dead_letter(tenant, id) from dead_letters") is not None
    _, released = await stage.replies(2)
    assert released.body["context"]["message_id"] == asked


ALL_TAKEN_OVER = """
    select (select count(*) = 16 from lanes where worker = 'two')
        and count(*) filter (where o.state = 'unsettled') > 0
        and count(*) filter (where o.state = 'sending' and o.fence <> l.fence) = 0
    from outbox o join lanes l using (lane)
"""


async def claimed_and_held(stage: Stage) -> list[str]:
    """The people whose replies were claimed; call it while no slot of the number is to be had."""
    people = [f"91980000100{n}" for n in range(5)]
    for person in people:
        await stage.say("help", person)
    await eventually(lambda: stage.one("select count(*) = 5 from outbox where state = 'sending'"))
    return people


async def test_what_was_claimed_and_not_sent_is_given_back_when_the_worker_stops(stage: Stage) -> None:
    """Nobody else could tell that it did not leave: it would wait for a status that never comes."""
    worker = stage.worker(stop_seconds="12")  # half of it for the sends, a quarter for what is given back
    async with stage.unwritable("numbers"):
        people = await claimed_and_held(stage)
        assert await asyncio.to_thread(worker.stop) == 0
        assert await stage.one("select count(*) from outbox where state in ('sending', 'unsettled')") == 0

    stage.worker(settle_after_seconds="300")
    for person in people:
        await stage.replies(1, person)
    assert len(stage.graph.tried) == len(people)


async def test_what_a_lane_that_was_lost_gives_back_is_sent_and_not_left_to_a_person(stage: Stage) -> None:
    """The new owner has seen the rows as lost answers before the old one tells that they never left."""
    old = stage.worker("one", lease_seconds=MORTAL)
    async with stage.unwritable("numbers"):
        people = await claimed_and_held(stage)
        with frozen(old.pid):
            stage.worker("two", settle_after_seconds="300")
            # Not all five must be in doubt: a claimed row is queued again when it got no slot for 2 s.
            await eventually(lambda: stage.one(ALL_TAKEN_OVER), "all that was claimed is in doubt")
        await eventually(lambda: stage.one("select count(*) = 0 from outbox where state = 'unsettled'"))
    for person in people:
        await stage.replies(1, person)
    await stage.settled()
    assert await stage.rows("select reason from dead_letters") == []
    assert len(stage.graph.tried) == len(people)


async def test_a_refused_connection_is_tried_again_at_once(stage: Stage) -> None:
    """By the same worker, and never in doubt: what was refused surely did not leave. How long it waits before
    which try is in the table, and tested there."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))  # bound and not listening: the port is ours, and the kernel refuses
        stage.worker(graph_url=f"http://127.0.0.1:{door.getsockname()[1]}", settle_after_seconds="300")
        await stage.say("help")
        await eventually(lambda: stage.one("select coalesce(max(attempts), 0) >= 3 from outbox"))
        assert stage.graph.tried == []
        await stage.graph.listen(door)
        await stage.replies(1)
        await stage.settled()
    assert len(stage.graph.tried) == 1


async def test_the_window_is_looked_at_when_sending(stage: Stage) -> None:
    stage.graph.script = once(lambda: refusal(131000, 500))
    stage.worker()
    await stage.say("help", at=datetime.now(UTC) - timedelta(hours=24) + timedelta(seconds=1))

    async def closed() -> bool:
        return await state(stage) == "failed"

    await eventually(closed)
    assert await stage.one("select error_code from outbox") == 131047
    assert stage.graph.sent == []


async def test_dots_are_shown_only_when_a_turn_takes_long(stage: Stage) -> None:
    quick = stage.worker(typing_seconds="60")
    await stage.say("help")
    await stage.replies(1)
    assert await asyncio.to_thread(quick.stop) == 0
    assert stage.graph.receipts == []
    stage.worker(typing_seconds="0.2")
    async with stage.unwritable("inbound_messages"):
        slow = await stage.say("help")
        await eventually(lambda: stage.graph.receipts, "dots are shown")
    assert stage.graph.receipts[0]["message_id"] == slow
    await stage.replies(2)
