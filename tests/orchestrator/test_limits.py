"""Limits of one customer, words that stop, and messages that cannot be worked out."""

import asyncio
import os
import time
from datetime import UTC, datetime

import orjson
import pytest

from munshi.contracts.events import HEADER_ID, DeadLetter, Kind
from munshi.contracts.ids import ConversationKey
from munshi.contracts.subjects import dead, dead_stream, inbound
from munshi.contracts.tenant import PLATFORM
from munshi.contracts.understanding import Language, Script
from munshi_orchestrator.notices import Notice, text_of
from orchestrator.stage import Stage
from rig.cells import tenant_document
from rig.clocks import no_midnight_soon
from rig.frozen import frozen
from rig.waiting import eventually


def texts(stage: Stage, phone: str = "919800000001") -> list[str]:
    return [sent.text for sent in stage.graph.to(phone)]


async def test_beyond_the_burst_a_customer_is_paced_and_told_once(stage: Stage) -> None:
    entry = await stage.cells.put_tenant(
        tenant_document(
            name="slow", phone_number_id="106540352242997", limits={"messagesPerSecondPerCustomer": 1}
        )
    )
    worker = stage.worker()
    with frozen(worker.pid):  # so that they are all there before the first of them is worked off
        # So many that a slow machine too empties the bucket while ten still wait; fewer than a pair's burst.
        asked = [await stage.say("help", tenant=entry) for _ in range(40)]
        began = time.monotonic()
    sent = await stage.replies(41)
    assert sent[-1].at - began >= 19.9  # 20 beyond the burst of 20, at 1/s
    quoted = [one.body["context"]["message_id"] for one in sent if "context" in one.body]
    assert quoted == asked
    assert len([one for one in sent if "context" not in one.body]) == 1


async def test_the_pace_survives_a_restart(stage: Stage) -> None:
    entry = await stage.cells.put_tenant(tenant_document(name="slow", phone_number_id="106540352242997"))
    worker = stage.worker()
    began = time.monotonic()
    for _ in range(20):
        await stage.say("help", tenant=entry)
    await stage.settled()  # killed while a send is under way it would leave one of which nobody knows
    await asyncio.to_thread(worker.restart)
    for _ in range(10):  # one more might wait behind ten, and be answered by a notice beside
        await stage.say("help", tenant=entry)
    sent = await stage.replies(30)
    # A bucket that was full again after the restart would let them go at once.
    assert sent[29].at - began >= 9.9


async def test_above_the_days_limit_messages_are_kept_and_answered_once(stage: Stage) -> None:
    await no_midnight_soon()
    entry = await stage.cells.put_tenant(
        tenant_document(
            name="small",
            phone_number_id="106540352242996",
            limits={"messagesPerDayPerCustomer": 2, "messagesPerSecondPerCustomer": 100},
        )
    )
    stage.worker()
    for amount in (100, 200, 300, 400):
        await stage.say(f"Ramesh ko {amount} udhaar diya", tenant=entry)
    await stage.settled()
    assert len(stage.graph.sent) == 3
    assert await stage.one("select count(*) from transactions") == 2
    kept = await stage.rows("select disposition from inbound_messages order by turn_at")
    assert [row["disposition"] for row in kept] == ["turn", "turn", "over_limit", "over_limit"]


async def test_stop_is_confirmed_once_and_start_takes_it_back(stage: Stage) -> None:
    stage.worker()
    await stage.say("Ramesh ko 500 udhaar diya")
    await stage.replies(1)
    await stage.say("STOP")
    await stage.replies(2)
    hinglish = Language(tag="hi", script=Script.LATIN)
    assert texts(stage)[1] == text_of(Notice.OPTED_OUT, hinglish, "hi")
    await stage.say("STOP")
    await stage.say("Ramesh ko 100 udhaar diya")
    await stage.settled()
    assert len(stage.graph.sent) == 2
    assert await stage.one("select count(*) from transactions") == 1
    await stage.say("start")
    await stage.say("Ramesh ka kitna baaki hai?")
    await stage.replies(4)
    assert texts(stage)[2] == text_of(Notice.OPTED_IN, hinglish, "hi")
    assert "500" in texts(stage)[3]


async def test_an_assistant_that_is_not_there_yet_says_so(stage: Stage) -> None:
    document = tenant_document(
        name="trek", phone_number_id="106540352242995", assistant="Concierge", languages=["en"]
    )
    entry = await stage.cells.put_tenant(document)
    stage.worker()
    await stage.say("hello", tenant=entry)
    await stage.replies(1)
    assert texts(stage) == [text_of(Notice.UNAVAILABLE, None, "en")]


PEOPLE = [f"9198400{number:05d}" for number in range(12)]


async def test_a_defect_ends_as_a_dead_letter_and_the_conversation_goes_on(stage: Stage) -> None:
    stage.worker(
        module="orchestrator.broken_worker", turn_tries="2", extra={"PYTHONPATH": os.fspath(stage.tests)}
    )
    before = await stage.say("before")
    bad = await stage.say("boom")
    after = await stage.say("after")
    sent = await stage.replies(3)
    assert [one.body.get("context", {}).get("message_id") for one in sent] == [before, None, after]
    assert sent[1].text == text_of(Notice.APOLOGY, None, "hi")
    (letter,) = await stage.rows("select source, key, reason, payload from dead_letters")
    assert (letter["source"], letter["key"], letter["reason"]) == ("turn", bad, "turn_failed")
    assert orjson.loads(letter["payload"])["raw"]["text"]["body"] == "boom"
    assert await stage.one("select disposition from inbound_messages where message_id = $1", bad) == "dead"


async def test_a_message_that_kills_the_process_ends_as_a_dead_letter_and_it_alone(stage: Stage) -> None:
    extra = {"PYTHONPATH": os.fspath(stage.tests)}
    worker = stage.worker(module="orchestrator.broken_worker", turn_tries="2", extra=extra)
    bad = await stage.say("crash")
    after = await stage.say("after")
    neighbours = [await stage.say("innocent", phone) for phone in PEOPLE]

    async def kept() -> bool:
        assert worker.process is not None
        if worker.process.poll() is not None:
            worker.start()
        return bool(await stage.one("select count(*) from dead_letters"))

    await eventually(kept, "a dead letter", 120)
    sent = await stage.replies(2)
    assert sent[1].body["context"]["message_id"] == after

    async def done() -> bool:
        rows = await stage.rows("select message_id from inbound_messages where disposition = 'turn'")
        return {row["message_id"] for row in rows} == {after, *neighbours}

    await eventually(done)
    assert [row["key"] for row in await stage.rows("select key from dead_letters")] == [bad]


async def test_a_status_that_cannot_be_written_is_a_dead_letter_and_holds_nobody_up(stage: Stage) -> None:
    stage.worker(turn_tries="2")
    await stage.say("help")
    (sent,) = await stage.replies(1)
    await stage.settled()
    await stage.db.execute("alter function apply_statuses(jsonb) rename to gone")
    await stage.status(sent, "delivered")
    await stage.say("help")
    await stage.replies(2)
    await stage.settled()
    assert await stage.one("select reason from dead_letters") == "event_failed"
    assert await stage.one("select state from outbox where wamid = $1", sent.wamid) == "sent"
    await stage.db.execute("alter function gone(jsonb) rename to apply_statuses")
    taken = orjson.loads(await stage.one("select replay_dead_letter(tenant, id) from dead_letters"))
    again = taken["payload"]
    await stage.put(again["raw"], kind=Kind.STATUS, event_id=again["id"], repeat="replay")
    await stage.settled()
    assert await stage.one("select state from outbox where wamid = $1", sent.wamid) == "delivered"


async def test_a_replayed_dead_letter_is_worked_out(stage: Stage) -> None:
    extra = {"PYTHONPATH": os.fspath(stage.tests)}
    worker = stage.worker(module="orchestrator.broken_worker", turn_tries="1", extra=extra)
    bad = await stage.say("boom")
    await stage.replies(1)
    assert await asyncio.to_thread(worker.stop) == 0
    stage.worker()
    taken = await stage.one("select replay_dead_letter(tenant, id) from dead_letters")
    payload = orjson.loads(taken)["payload"]
    await stage.say("help", event_id=payload["id"], repeat="replay")
    sent = await stage.replies(2)
    assert sent[1].body["context"]["message_id"] == bad


async def test_what_is_no_envelope_is_kept_as_a_dead_letter(stage: Stage) -> None:
    stage.worker()
    subject = inbound(stage.cell.name, stage.entry.key, 3, ConversationKey("nobody"))
    bus = stage.connection.client.jetstream()
    await bus.publish(subject, b'{"v": 1}', headers={HEADER_ID: "broken"})
    await stage.settled()
    assert await stage.one("select reason from dead_letters") == "unreadable_envelope"


@pytest.mark.parametrize("of_a_tenant", [True, False])
async def test_dead_letters_of_ingress_move_into_the_database(stage: Stage, of_a_tenant: bool) -> None:
    stage.worker()
    owner = stage.entry.key if of_a_tenant else PLATFORM
    letter = DeadLetter(
        tenant=owner, id="a" * 64, reason="malformed_json", received_at=datetime.now(UTC), body="{"
    )
    bus = stage.connection.client.jetstream()
    await bus.publish(dead(stage.cell.name, owner), letter.model_dump_json().encode())

    async def moved() -> bool:
        info = await bus.stream_info(dead_stream(stage.cell.name))
        return info.state.messages == 0 and bool(await stage.one("select count(*) from dead_letters"))

    await eventually(moved)
    assert await stage.one("select reason from dead_letters") == "malformed_json"
