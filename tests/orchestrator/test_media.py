"""Files of messages: read in their place in the order, however slow, dead or unwilling their reader is."""

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest
from nats.aio.msg import Msg
from opentelemetry.sdk.trace import TracerProvider

from munshi.contracts.events import HEADER_ID, HEADER_TRACE
from munshi.contracts.ids import TenantKey
from munshi.contracts.media import (
    DeleteRequest,
    Document,
    DocumentFields,
    FileKind,
    MediaAnswer,
    MediaFailure,
    MediaProgress,
    Refusal,
    Transcript,
    Verb,
)
from munshi.contracts.media import Stage as WorkStage
from munshi.contracts.subjects import inbound, media, partition_of
from munshi.db.connection import open_pool
from munshi.db.dead_letters import DeadLetters
from munshi.sealing import conversation_key
from munshi.telemetry.spans import Tracing
from munshi_orchestrator.media import MediaClient
from orchestrator.stage import NUMBER, Stage
from rig.cells import tenant_document
from rig.media_service import ScriptedMedia, answer, slow, stored
from rig.services import Service
from rig.waiting import eventually

RECEIPT = MediaAnswer(
    original=stored(),
    document=Document(
        kind=FileKind.RECEIPT,
        fields=DocumentFields(total=Decimal("640.00"), vendor="Gupta Traders", invoice_no="17"),
        text="GUPTA TRADERS\nTOTAL 640.00",
        confidence=0.97,
        engine="table",
    ),
)
OTHER = "919800000099"


def worker(stage: Stage, name: str = "one", *, wait: bool = True, **settings: str) -> Service:
    """A worker that says back what it was given, and waits longer than any file or voice here takes."""
    given = {"media_silence_seconds": "60", "announce_seconds": "60", "voice_seconds": "60", **settings}
    return stage.worker(
        name, wait=wait, module="orchestrator.media_worker", extra={"PYTHONPATH": str(stage.tests)}, **given
    )


async def picture(stage: Stage, media_id: str = "m1", phone: str = "919800000001", **more: Any) -> str:
    """A picture on the bus; its message id."""
    part = {"id": media_id, "mime_type": "image/jpeg", "sha256": "c2hh", **more}
    return await stage.put({"type": "image", "image": part}, phone)


def texts(sent: Any) -> list[str]:
    return [one.text for one in sent]


async def test_a_picture_is_asked_for_and_its_reading_kept(stage: Stage, media: ScriptedMedia) -> None:
    media.reads["m1"] = answer(RECEIPT)
    worker(stage)
    message = await picture(stage, url="https://lookaside.example/1", caption="Gupta ka bill")
    assert texts(await stage.replies(1)) == ["document 640.00"]
    (request,) = media.asked
    assert request.message_id == message
    assert (request.media_id, request.media_type, request.mime_type) == ("m1", "image", "image/jpeg")
    assert (request.url, request.sha256) == ("https://lookaside.example/1", "c2hh")
    (row,) = await stage.rows("select * from attachments")
    assert (row["message_id"], row["kind"], row["text"]) == (message, "image", "GUPTA TRADERS\nTOTAL 640.00")
    assert (row["object_key"], row["size"], row["invoice_no"]) == (stored().key, stored().size, "17")
    assert "GUPTA" not in (await stage.one("select reading::text from attachments"))


@pytest.mark.parametrize("mode", ["bot", "human"])
async def test_a_message_deleted_for_everyone_takes_its_file_along(
    stage: Stage, media: ScriptedMedia, mode: str
) -> None:
    media.reads["m1"] = answer(RECEIPT)
    service = worker(stage, erase_seconds="0.1")
    await stage.say("a text")
    message = await picture(stage, caption="Gupta ka bill")
    await stage.replies(2)
    await stage.rows(f"update conversations set mode = '{mode}' returning id")
    await media.die()
    await stage.put({"type": "revoke", "revoke": {"original_message_id": message}})
    query = "select count(*) from attachments"
    await eventually(lambda: _is(stage, query, 0))
    assert await stage.one(f"select body from inbound_messages where message_id = '{message}'") is None
    said = await stage.rows("select body from inbound_messages where type = 'text'")
    assert all(row["body"] for row in said), "what had no file stays"
    await eventually(lambda: "file_not_erased_yet" in service.log, "it says that it waits")
    await media.start()
    await eventually(lambda: _is(stage, "select count(*) from erasures where done_at is not null", 1))
    (request,) = media.deleted
    assert (request.tenant, request.message_ids) == (stage.entry.key, (message,))


async def _is(stage: Stage, query: str, value: Any) -> bool:
    return bool(await stage.one(query) == value)


async def test_a_slow_picture_keeps_its_place_and_holds_up_nobody_else(
    stage: Stage, media: ScriptedMedia
) -> None:
    read = asyncio.Event()
    media.reads["m1"] = slow(RECEIPT, read)
    worker(stage, concurrent_turns="1")
    await stage.say("before")
    await picture(stage)
    await stage.say("after")
    for number in range(3):
        await stage.say(f"other {number}", OTHER)
    assert texts(await stage.replies(3, OTHER)) == [f"text other {number}" for number in range(3)]
    assert texts(await stage.replies(1)) == ["text before"]  # of another lane, which may be opened later
    read.set()
    assert texts(await stage.replies(3)) == ["text before", "document 640.00", "text after"]


async def test_what_takes_long_is_announced_once_before_its_answer(
    stage: Stage, media: ScriptedMedia
) -> None:
    read = asyncio.Event()
    media.reads["m1"] = slow(RECEIPT, read, expected=9.0)
    worker(stage)
    message = await picture(stage)
    (working,) = await stage.replies(1)
    assert working.body["context"] == {"message_id": message}
    assert await stage.one("select count(*) from inbound_messages") == 0
    signs = media.signs
    await eventually(lambda: media.signs >= signs + 5, "more signs of life come")
    read.set()
    assert texts(await stage.replies(2)) == [working.text, "document 640.00"]
    await stage.settled()
    assert len(stage.graph.sent) == 2


async def test_dots_are_shown_while_it_takes_long(stage: Stage, media: ScriptedMedia) -> None:
    read = asyncio.Event()
    media.reads["m1"] = slow(RECEIPT, read)
    worker(stage, typing_seconds="0.2")
    message = await picture(stage)
    await eventually(lambda: stage.graph.receipts, "dots are shown")
    assert stage.graph.receipts[0]["message_id"] == message
    read.set()
    await stage.replies(1)


async def test_a_service_that_is_away_is_waited_for(stage: Stage, media: ScriptedMedia) -> None:
    media.reads["m1"] = answer(RECEIPT)
    await media.die()
    service = worker(stage, announce_seconds="0.3")
    await picture(stage)
    await stage.say("after")
    (told,) = await stage.replies(1)
    assert "no_service" in service.log
    await media.start()
    assert texts(await stage.replies(3)) == [told.text, "document 640.00", "text after"]
    await stage.settled()
    assert len(stage.graph.sent) == 3
    assert await stage.one("select count(*) from turn_attempts") == 0


async def test_a_service_that_dies_in_the_middle_is_asked_again(stage: Stage, media: ScriptedMedia) -> None:
    media.reads["m1"] = slow(RECEIPT, asyncio.Event())
    worker(stage, media_silence_seconds="2")
    await picture(stage)
    await eventually(lambda: media.asked, "it is asked")
    await media.die()
    asked = len(media.asked)
    media.reads["m1"] = answer(RECEIPT)
    await media.start()
    assert texts(await stage.replies(1)) == ["document 640.00"]
    await stage.settled()
    assert len(media.asked) > asked
    assert len(stage.graph.sent) == 1
    assert await stage.one("select count(*) from transactions") == 1


@pytest.mark.parametrize("silent", [True, False])
async def test_a_failure_and_silence_are_asked_again(
    stage: Stage, media: ScriptedMedia, *, silent: bool
) -> None:
    async def script(_: Any, say: Any) -> Any:
        if len(media.asked) > 2:
            return RECEIPT
        await say(MediaProgress(stage=WorkStage.FETCHING))
        return None if silent else MediaFailure(reason="store_away", retry_after=0.1)

    media.reads["m1"] = script
    # A stall of this machine is silence, too: then it may be asked once more.
    worker(stage, media_silence_seconds="2" if silent else "60")
    await picture(stage)
    assert texts(await stage.replies(1)) == ["document 640.00"]
    assert len(media.asked) >= 3 if silent else len(media.asked) == 3


async def test_a_refusal_is_the_assistants_to_word(stage: Stage, media: ScriptedMedia) -> None:
    media.reads["m1"] = answer(MediaAnswer(refused=Refusal.TOO_LARGE, detail="11 MB"))
    media.reads["m2"] = answer(MediaAnswer(original=stored("a film", "video/mp4")))
    worker(stage)
    await picture(stage)
    await stage.put({"type": "video", "video": {"id": "m2"}})
    assert texts(await stage.replies(2)) == ["image too_large", "video kept"]
    assert await stage.one("select count(*) from attachments") == 1


async def test_a_voice_note_is_what_it_says(stage: Stage, media: ScriptedMedia) -> None:
    heard = Transcript(text=" Ramesh ko 500 udhaar ", language="hi", confidence=0.9, seconds=3.0)
    media.reads["v1"] = answer(MediaAnswer(original=stored("sound", "audio/ogg"), transcript=heard))
    worker(stage)
    await stage.put({"type": "audio", "audio": {"id": "v1", "voice": True}})
    assert texts(await stage.replies(1)) == ["voice Ramesh ko 500 udhaar"]
    assert media.asked[0].voice
    assert await stage.one("select text from attachments") == " Ramesh ko 500 udhaar "


async def test_what_was_dealt_with_is_not_read_again(stage: Stage, media: ScriptedMedia) -> None:
    media.reads["m1"] = answer(RECEIPT)
    worker(stage)
    raw = {"type": "image", "image": {"id": "m1"}}
    message = await stage.put(raw)
    await stage.replies(1)
    await stage.put(raw, event_id=message, repeat=":again")
    await stage.say("after")
    assert texts(await stage.replies(2)) == ["document 640.00", "text after"]
    assert len(media.asked) == 1


async def test_nothing_is_read_for_who_stopped(stage: Stage, media: ScriptedMedia) -> None:
    worker(stage)
    await stage.say("STOP")
    await stage.replies(1)
    await picture(stage)
    await stage.settled()
    assert media.asked == []


async def test_a_person_of_the_business_finds_the_file_and_the_customer_hears_nothing(
    stage: Stage, media: ScriptedMedia
) -> None:
    media.reads["m1"] = answer(RECEIPT)
    worker(stage, announce_seconds="0.01")
    await stage.say("before")
    await stage.replies(1)
    await stage.settled()
    await stage.db.execute("update conversations set mode = 'human'")
    await picture(stage)
    await stage.settled()
    assert await stage.one("select count(*) from attachments") == 1
    assert len(stage.graph.sent) == 1


async def test_in_the_end_the_person_is_told_and_the_message_can_be_replayed(
    stage: Stage, media: ScriptedMedia
) -> None:
    media.reads["m1"] = answer(MediaFailure(reason="store_away", retry_after=0.05))
    first = worker(stage, media_seconds="0.8")
    message = await picture(stage)
    await stage.say("after")
    sorry, after = await stage.replies(2)
    assert after.text == "text after"
    assert sorry.text
    (letter,) = await stage.rows("select id, reason, message_id from dead_letters")
    assert (letter["reason"], letter["message_id"]) == ("media_unread", message)

    assert await asyncio.to_thread(first.stop) == 0
    media.reads["m1"] = answer(RECEIPT)
    worker(stage)
    await _replay(stage, letter["id"])
    assert texts(await stage.replies(3))[2] == "document 640.00"
    await stage.settled()
    assert await stage.one("select count(*) from transactions") == 1


async def _replay(stage: Stage, letter_id: int) -> None:
    assert stage.cells.database_url is not None
    pool = await open_pool(stage.cells.database_url, name="test", size=1)
    try:
        replay = await DeadLetters(pool).replay(letter_id)
    finally:
        await pool.close()
    assert replay is not None
    key = conversation_key(stage.lookup_key(stage.entry), NUMBER, None, "919800000001")
    subject = inbound(stage.cell.name, stage.entry.key, partition_of(key, stage.cell.partitions), key)
    await stage.connection.client.jetstream().publish(
        subject, orjson.dumps(replay.payload), headers={HEADER_ID: f"replay:{letter_id}"}
    )


async def test_of_messages_joined_to_a_turn_only_the_unread_one_is_given_up(
    stage: Stage, media: ScriptedMedia
) -> None:
    sales = tenant_document(
        name="sales", phone_number_id="106540352242999", assistant="Sales", sales={"debounceSeconds": 3}
    )
    entry = await stage.cells.put_tenant(sales)
    media.reads["m1"] = answer(MediaFailure(reason="store_away", retry_after=0.05))
    media.reads["m2"] = answer(RECEIPT)
    await stage.say("one", tenant=entry)
    for media_id in ("m1", "m2"):
        await stage.put({"type": "image", "image": {"id": media_id}}, tenant=entry)
    worker(stage, media_seconds="6")
    sent = await stage.replies(3)
    assert texts(sent)[1:] == ["text one", "document 640.00"]
    assert await stage.one("select count(*) from dead_letters") == 1
    marks = await stage.rows("select disposition from inbound_messages order by message_id")
    assert [mark["disposition"] for mark in marks] == ["turn", "dead", "turn"]


@pytest.mark.parametrize("when", ["asked", "announced", "read"])
async def test_a_killed_worker_neither_loses_nor_doubles(
    stage: Stage, media: ScriptedMedia, when: str
) -> None:
    """Killed while it waits for the file, has told that it does, or is about to write what follows from it;
    each time with no send under way, of which nobody would know."""
    read = asyncio.Event()
    media.reads["m1"] = slow(RECEIPT, read, expected=9.0 if when == "announced" else None)
    first = worker(stage, turn_tries="1")
    await stage.say("before")
    await stage.replies(1)
    await stage.settled()
    await picture(stage)
    await stage.say("after")
    told = 2 if when == "announced" else 1
    await eventually(lambda: media.asked, "it is asked for")
    await eventually(lambda: _is(stage, "select count(*) from outbox where state = 'sent'", told))
    if when == "read":
        await _killed_in_its_commit(stage, media, first, read)
    first.kill()
    read.set()
    worker(stage, turn_tries="1")
    await eventually(lambda: "text after" in texts(stage.graph.sent), "the last is answered")
    await stage.settled()
    said = texts(stage.graph.to("919800000001"))
    assert [text for text in said if text.startswith(("text", "document"))] == [
        "text before",
        "document 640.00",
        "text after",
    ]
    assert len(said) == (4 if when == "announced" else 3)
    assert await stage.one("select count(*) from transactions") == 1
    assert await stage.one("select count(*) from attachments") == 1
    assert await stage.one("select count(*) from dead_letters") == 0


async def _killed_in_its_commit(
    stage: Stage, media: ScriptedMedia, service: Service, read: asyncio.Event
) -> None:
    waiting = "select pid from pg_locks where not granted and relation = 'inbound_messages'::regclass"
    async with stage.unwritable("inbound_messages"):
        read.set()
        await eventually(lambda: stage.rows(waiting), "the turn's commit waits")
        assert media.answered == 1
        service.kill()
        # Its server process would not notice before the lock is free, and would commit for the dead.
        await stage.rows(f"select pg_terminate_backend(pid) from ({waiting}) as found")
        await eventually(lambda: _is(stage, f"select count(*) from ({waiting}) as found", 0))


async def test_a_reply_is_spoken(stage: Stage, media: ScriptedMedia) -> None:
    worker(stage)
    message = await stage.say("speak to me")
    (sent,) = await stage.replies(1)
    assert sent.body["type"] == "audio"
    assert sent.body["audio"] == {"id": "spoken-1", "voice": True}
    assert sent.body["context"] == {"message_id": message}
    assert "spoken" not in sent.body
    assert (media.spoken[0].text, media.spoken[0].language) == ("text speak to me", "en")
    assert await stage.one("select body->>'spoken' from outbox") == "text speak to me"


@pytest.mark.parametrize("how", ["away", "refused", "slow"])
async def test_what_cannot_be_spoken_is_written(stage: Stage, media: ScriptedMedia, how: str) -> None:
    media.speak = answer(MediaAnswer(refused=Refusal.NO_ENGINE))
    if how == "slow":
        media.speak = slow(MediaAnswer(media_id="late"), asyncio.Event())
    if how == "away":
        await media.die()
    worker(stage, voice_seconds="0.5" if how == "slow" else "60")
    await stage.say("speak to me")
    await stage.say("after")
    assert texts(await stage.replies(2)) == ["text speak to me", "text after"]


async def test_what_cannot_be_spoken_may_say_so(stage: Stage, media: ScriptedMedia) -> None:
    service = worker(stage)
    await stage.say("speak of it")
    (spoken,) = await stage.replies(1)
    assert spoken.body["type"] == "audio"
    assert [voice.text for voice in media.spoken] == ["text speak of it"]
    media.speak = answer(MediaAnswer(refused=Refusal.NO_ENGINE, detail="install espeak-ng"))
    await stage.say("speak of it")
    assert texts((await stage.replies(2))[1:]) == ["written instead"]
    (told,) = [orjson.loads(line) for line in service.log.splitlines() if "reply_not_spoken" in line]
    assert (told["reason"], told["detail"]) == ("no_engine", "install espeak-ng")


async def test_a_worker_killed_while_it_is_spoken_sends_it_once(stage: Stage, media: ScriptedMedia) -> None:
    spoken = asyncio.Event()
    media.speak = slow(MediaAnswer(media_id="spoken-2"), spoken)
    first = worker(stage)
    await stage.say("speak to me")
    await eventually(lambda: media.spoken, "a voice is asked for")
    first.kill()
    spoken.set()
    worker(stage)
    (sent,) = await stage.replies(1)
    assert sent.body["audio"]["id"] == "spoken-2"
    await stage.settled()
    assert len(stage.graph.sent) == 1


async def test_the_trace_of_a_turn_goes_along_with_what_it_asks(stage: Stage) -> None:
    client, headers = stage.connection.client, []

    async def take(message: Msg) -> None:
        headers.append(message.headers)
        await message.respond(MediaAnswer().model_dump_json().encode())

    await client.subscribe(media(stage.cell.name, Verb.DELETE), cb=take)
    asking, request = (
        MediaClient(client, stage.cell.name, 5.0),
        DeleteRequest(tenant=TenantKey("shops_sharma"), message_ids=()),
    )
    with Tracing("orchestrator", TracerProvider()).span("turn", []) as trace:
        await asking.ask(Verb.DELETE, request)
    await asking.ask(Verb.DELETE, request)
    assert headers == [{HEADER_TRACE: trace}, None]
