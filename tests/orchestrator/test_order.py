"""Order within a conversation, many conversations at once, and events that are no plain messages."""

import asyncio

import pytest

from munshi.contracts.events import Kind
from munshi.contracts.media import MediaAnswer, Refusal
from munshi.contracts.subjects import partition_of
from munshi.contracts.tenant import Credentials, TenantEntry
from munshi.sealing import conversation_key, unseal_credentials
from orchestrator.stage import NUMBER, Sent, Stage
from rig.cells import tenant_document
from rig.media_service import ScriptedMedia, answer
from rig.waiting import eventually


def answered(sent: list[Sent]) -> list[str]:
    return [one.body["context"]["message_id"] for one in sent]


async def test_order_within_a_conversation_and_many_at_once(stage: Stage) -> None:
    people = [f"9198000{number:05d}" for number in range(20)]
    asked: dict[str, list[str]] = {phone: [] for phone in people}
    for turn in range(8):
        for phone in people:
            asked[phone].append(await stage.say(f"Ramesh ko {100 + turn} udhaar diya", phone))
    stage.worker()
    await stage.settled()
    for phone in people:
        assert answered(stage.graph.to(phone)) == asked[phone]
    assert await stage.one("select count(*) from transactions") == 160


async def test_a_slow_send_holds_its_own_conversation_only(stage: Stage) -> None:
    release = asyncio.Event()

    async def hold(sent: Sent) -> None:
        if sent.to == "919800000001":
            await release.wait()

    stage.graph.script = hold
    stage.worker()
    first = await stage.say("Ramesh 100 udhaar", "919800000001")
    await eventually(lambda: stage.graph.tried, "the first is under way")
    second = await stage.say("Ramesh 200 udhaar", "919800000001")
    other = await stage.say("Suresh 300 udhaar", "919800000002")
    assert answered(list(await stage.replies(1, "919800000002"))) == [other]
    assert not stage.graph.to("919800000001")
    release.set()
    assert answered(list(await stage.replies(2, "919800000001"))) == [first, second]


async def test_the_same_message_twice_is_one_entry_and_one_reply(stage: Stage) -> None:
    stage.worker()
    event = await stage.say("Ramesh ko 500 udhaar diya")
    await stage.replies(1)
    # Another batch of Meta's, beyond the bus's own window: only the mark in the database knows.
    await stage.say("Ramesh ko 500 udhaar diya", event_id=event, repeat="again")
    marker = await stage.say("help")
    await stage.settled()
    assert answered(stage.graph.sent) == [event, marker]
    assert await stage.one("select count(*) from transactions") == 1


async def test_an_edit_changes_the_entry_and_a_revoke_takes_it_back(stage: Stage) -> None:
    stage.worker()
    event = await stage.say("Ramesh ko 500 udhaar diya")
    await stage.replies(1)
    message = {"type": "text", "text": {"body": "Ramesh ko 600 udhaar diya"}}
    await stage.put({"type": "edit", "edit": {"original_message_id": event, "message": message}})
    await stage.replies(2)
    assert await stage.one("select amount::text from transactions") == "600.00"
    await stage.put({"type": "revoke", "revoke": {"original_message_id": event}})
    await stage.replies(3)
    assert await stage.one("select count(*) from transactions") == 0


async def test_reactions_and_preferences_are_kept_without_a_word(stage: Stage) -> None:
    stage.worker()
    await stage.say("help")
    await stage.replies(1)
    await stage.put(
        {"type": "reaction", "reaction": {"message_id": stage.graph.sent[0].wamid, "emoji": "👍"}}
    )
    wish = {"category": "marketing_messages", "value": "stop", "timestamp": "1795000000"}
    await stage.put(wish, kind=Kind.PREFERENCE, event_id="preference:1")
    await stage.settled()
    assert len(stage.graph.sent) == 1
    kept = {row["disposition"] for row in await stage.rows("select disposition from inbound_messages")}
    assert kept == {"turn", "reaction", "preference"}
    assert await stage.one("select value->>'stopped' from memory") == "true"
    assert await stage.one("select opted_out_at from conversations") is None


async def test_pictures_are_answered_politely(stage: Stage, media: ScriptedMedia) -> None:
    media.reads["1"] = answer(MediaAnswer(refused=Refusal.NO_ENGINE))
    stage.worker()
    await stage.put({"type": "image", "image": {"id": "1", "mime_type": "image/jpeg"}})
    (sent,) = await stage.replies(1)
    assert sent.text


async def test_what_is_kept_at_rest_names_no_number(stage: Stage) -> None:
    stage.worker()
    await stage.put({"type": "text", "from": "919800000001", "text": {"body": "help\x00 me"}})
    await stage.replies(1)
    await stage.settled()
    body = await stage.one("select body::text from inbound_messages")
    assert "help me" in body
    assert "919800000001" not in body


async def test_statuses_move_forwards_only_in_any_order(stage: Stage) -> None:
    stage.worker()
    await stage.say("help")
    (sent,) = await stage.replies(1)
    pricing = {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    await stage.status(sent, "read", timestamp="1795000003")
    await stage.settled()
    await stage.status(sent, "sent", timestamp="1795000001", pricing=pricing)
    await stage.status(sent, "delivered", timestamp="1795000002", pricing=pricing)
    await stage.settled()
    assert await stage.one("select state from outbox") == "read"
    assert await stage.one("select count(*) from message_costs") == 1
    row = (await stage.rows("select sent_at, delivered_at, read_at from outbox"))[0]
    assert all(row.values())


async def test_account_events_are_noticed_and_done(stage: Stage) -> None:
    worker = stage.worker()
    change = {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION"}}
    await stage.put(change, kind=Kind.FIELD, event_id="field:1")
    await stage.put({"code": 130429, "title": "limit"}, kind=Kind.ERROR, event_id="error:1")
    await stage.settled()
    assert '"event":"account_event"' in worker.log
    assert '"event":"meta_error"' in worker.log


async def test_a_bsuid_that_turns_up_keeps_the_person_and_the_order(stage: Stage) -> None:
    first = [await stage.say(f"Ramesh ko {100 + n} udhaar diya") for n in range(5)]
    then = [await stage.say(f"Ramesh ko {200 + n} udhaar diya", bsuid="IN.ravi") for n in range(5)]
    last = await stage.say("Ramesh ka kitna baaki hai?", None, bsuid="IN.ravi")
    stage.worker()
    await stage.settled()
    assert await stage.one("select count(*) from users") == 1
    assert [
        row["message_id"] for row in await stage.rows("select message_id from transactions order by id")
    ] == [
        *first,
        *then,
    ]
    assert answered(stage.graph.sent) == [*first, *then, last]
    # known by both: the number is taken, which Meta takes for certain
    assert {sent.to for sent in stage.graph.sent} <= {"919800000001", "IN.ravi"}


async def test_a_changed_number_brings_the_books_along(stage: Stage) -> None:
    stage.worker()
    await stage.say("Ramesh ko 500 udhaar diya", "919800000001")
    await stage.replies(1, "919800000001")
    system = {"type": "user_changed_number", "body": "…", "wa_id": "919811111111"}
    await stage.put({"type": "system", "system": system}, "919800000001")
    await stage.settled()
    await stage.say("Ramesh ka kitna baaki hai?", "919811111111")
    (sent,) = await stage.replies(1, "919811111111")
    assert "500" in sent.text
    assert await stage.one("select count(*) from users") == 1


async def test_debounced_messages_are_one_turn(stage: Stage) -> None:
    sales = tenant_document(
        name="sales", phone_number_id="106540352242999", assistant="Sales", sales={"debounceSeconds": 3}
    )
    entry = await stage.cells.put_tenant(sales)
    for text in ("hello", "is it there?", "the red one"):
        await stage.say(text, tenant=entry)
    stage.worker()
    await stage.replies(1)
    await stage.settled()
    assert len(stage.graph.sent) == 1
    assert await stage.one("select count(*) from inbound_messages") == 3


@pytest.mark.parametrize("hibernated", [True, False])
async def test_events_of_a_tenant_that_is_not_served_wait_on_the_bus(stage: Stage, hibernated: bool) -> None:
    document = tenant_document(name="late", phone_number_id="106540352242998", hibernated=hibernated)
    entry = await stage.cells.put_tenant(document)
    if not hibernated:
        await stage.cells.remove_tenant(entry.key)
    stage.worker()
    event = await stage.say("Ramesh ko 500 udhaar diya", tenant=entry)
    await stage.say("help", "919800000009")
    await stage.replies(1, "919800000009")
    assert await stage.pending() >= 1
    assert not stage.graph.to("919800000001")
    awake = document.model_copy(update={"spec": document.spec.model_copy(update={"hibernated": False})})
    await stage.cells.put_tenant(awake, _secrets_of(stage, entry))
    assert answered(list(await stage.replies(1))) == [event]


def _secrets_of(stage: Stage, entry: TenantEntry) -> Credentials:
    return unseal_credentials(stage.cell.sealing_key, entry.sealed, entry.key)


async def test_what_waits_for_an_older_message_of_its_person_does_not_hold_it_up(stage: Stage) -> None:
    """After a crash what may have caused it runs alone, and must not wait while it does."""
    key = stage.lookup_key(stage.entry)
    partitions = stage.cell.partitions

    def place(bsuid: str | None, phone: str) -> int:
        return partition_of(conversation_key(key, NUMBER, bsuid, phone), partitions)

    people = [(f"IN.{n}", f"9198200{n:05d}") for n in range(1000)]
    # The younger message's lane is opened before the older one's.
    bsuid, phone = max(people, key=lambda one: place(None, one[1]) - place(*one))
    worker = stage.worker("one")
    await stage.say("help", "919800000077")
    await stage.replies(1, "919800000077")
    worker.kill()
    older = await stage.say("Ramesh ko 100 udhaar diya", phone)
    younger = await stage.say("Ramesh ko 200 udhaar diya", phone, bsuid=bsuid)
    worker.start()
    sent = await stage.replies(2, phone)
    assert answered(list(sent)) == [older, younger]
