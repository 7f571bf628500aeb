"""Attachments with what was read of them, announcements made once, and voice notes that wait to be spoken."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from munshi.contracts.assistant import VOICE_REPLIES, KeepAttachment, Origin, Remember, RemoveEntry, Source
from munshi.contracts.ids import MessageID
from munshi.contracts.media import DocumentFields
from munshi.contracts.tenant import Retention
from munshi.db.ledger import LedgerBooks
from munshi.db.outbox import Claim, Claimed, ClaimRules, Outbox, Unspoken
from munshi.db.retention import purge
from munshi.db.turns import Announced, Fenced, NewReply, PairLimit, Turns

from .conftest import SHARMA, Cells
from .scenes import Talk, entry, message, now, talk, text

VOICE: dict[str, Any] = {"type": "voice", "voice": {"text": "Noted", "language": "en"}}


def picture(message_id: str, sha256: str = "aa", **fields: Any) -> KeepAttachment:
    """A receipt that was read."""
    return KeepAttachment(
        message_id=MessageID(message_id),
        kind="image",
        object_key=f"{sha256[:2]}/{sha256}",
        sha256=sha256,
        mime_type="image/jpeg",
        size=300_000,
        text="GUPTA TRADERS\nTOTAL 640",
        reading={"kind": "receipt", "fields": fields},
    )


@pytest.fixture
async def one(cells: Cells) -> Talk:
    """A conversation."""
    return await talk(cells.pool, SHARMA)


async def test_the_same_receipt_is_found_by_its_bytes_or_by_what_it_says(one: Talk) -> None:
    fields = {"invoice_no": "17", "vendor": "Gupta  Traders", "total": "640.00"}
    await one.say("wamid.A", picture("wamid.A", "aa11", **fields))
    booked = entry("wamid.yes#1", "640", source=Source.IMAGE, of=MessageID("wamid.A"))
    done = await one.say("wamid.yes", booked)
    books = LedgerBooks(one.pool, SHARMA, done.user_id)

    async def found(sha256: str | None, **asked: Any) -> list[str]:
        return [row.ref for row in await books.same_receipt(sha256, DocumentFields(**asked))]

    same = {"invoice_no": "17", "vendor": "gupta traders", "total": Decimal(640)}
    assert await found("aa11") == ["wamid.yes#1"]
    assert await found("other", **same) == ["wamid.yes#1"]
    assert await found("other", **(same | {"total": Decimal(641)})) == []
    assert await found("other", **(same | {"vendor": "Sharma"})) == []
    assert await found("other", **(same | {"invoice_no": None})) == []
    assert await found(None) == []
    assert [row.ref for row in await books.entries_of_message(MessageID("wamid.A"))] == ["wamid.yes#1"]
    stranger = LedgerBooks(one.pool, SHARMA, done.user_id + 1000)
    assert await stranger.same_receipt("aa11", DocumentFields()) == []


async def test_an_entry_that_comes_back_is_found_by_the_file_that_it_came_of(one: Talk) -> None:
    await one.say("wamid.A", picture("wamid.A", "aa11"))
    metadata = {"invoice_no": "17", "sha256": "aa11"}
    booked = entry("wamid.yes#1", "640", source=Source.IMAGE, of=MessageID("wamid.A"), metadata=metadata)
    done = await one.say("wamid.yes", booked)
    books = LedgerBooks(one.pool, SHARMA, done.user_id)
    origin = await books.origin("wamid.yes#1")
    assert origin == Origin(source=Source.IMAGE, metadata=metadata, of=MessageID("wamid.A"))
    await one.say("wamid.undo", RemoveEntry(ref="wamid.yes#1", reason="undo"))
    assert list(await books.same_receipt("aa11", DocumentFields())) == []
    again = entry("wamid.no#1", "600", source=origin.source, of=origin.of, metadata=origin.metadata)
    await one.say("wamid.no", again)
    assert [row.ref for row in await books.same_receipt("aa11", DocumentFields())] == ["wamid.no#1"]
    assert await books.origin("wamid.no#1") == origin
    assert await LedgerBooks(one.pool, SHARMA, done.user_id + 1000).origin("wamid.no#1") is None


async def test_an_attachment_is_kept_once(one: Talk, superuser: asyncpg.Connection) -> None:
    await one.say("wamid.A", picture("wamid.A", "aa11"), picture("wamid.A", "bb22"))
    rows = await superuser.fetch("SELECT sha256, text, size FROM attachments")
    assert [tuple(row) for row in rows] == [("aa11", "GUPTA TRADERS\nTOTAL 640", 300_000)]


async def test_the_reading_goes_with_the_bytes_and_the_text_with_the_messages(
    one: Talk, superuser: asyncpg.Connection
) -> None:
    await one.say("wamid.A", picture("wamid.A"))
    await superuser.execute("UPDATE attachments SET created_at = $1", now() - timedelta(days=40))

    async def left(**retention: str) -> list[Any]:
        await purge(one.pool, SHARMA, Retention(**retention))
        rows = await superuser.fetch("SELECT object_key, reading, text FROM attachments")
        return [tuple(value is not None for value in row) for row in rows]

    assert await left(media="90d", messages="90d") == [(True, True, True)]
    assert await left(media="30d", messages="90d") == [(False, False, True)]
    assert await left(media="30d", messages="30d") == []


async def test_announcements_go_with_the_marks(one: Talk, superuser: asyncpg.Connection) -> None:
    await Turns(one.pool).announce(await one.turn(message("wamid.A"), replies=[text("working")]))
    await superuser.execute("UPDATE announcements SET created_at = $1", now() - timedelta(days=7))
    await purge(one.pool, SHARMA, Retention(messages="1d"))
    assert await superuser.fetchval("SELECT count(*) FROM announcements") == 1
    await superuser.execute("UPDATE announcements SET created_at = $1", now() - timedelta(days=9))
    await purge(one.pool, SHARMA, Retention(messages="1d"))
    assert await superuser.fetchval("SELECT count(*) FROM announcements") == 0


async def test_a_message_is_announced_once_and_before_its_answer(
    one: Talk, superuser: asyncpg.Connection
) -> None:
    turns, outbox = Turns(one.pool), Outbox(one.pool)
    first = await one.turn(message("wamid.A"), replies=[text("working on it")])
    done = await turns.announce(first)
    assert isinstance(done, Announced)
    assert await turns.announce(await one.turn(message("wamid.A"), replies=[text("working on it")])) is None
    assert await superuser.fetchval("SELECT count(*) FROM inbound_messages") == 0

    await one.say("wamid.A", replies=[text("Noted")])
    assert await turns.announce(await one.turn(message("wamid.A"), replies=[text("late")])) is None
    bodies = await superuser.fetch("SELECT body->'text'->>'body' AS said, reply_to FROM outbox ORDER BY id")
    assert [row["said"] for row in bodies] == ["working on it", "Noted"]
    claim = await outbox.claim(SHARMA, one.lane, one.fence, done.conversation_id, ClaimRules())
    assert isinstance(claim, Claim)
    assert isinstance(claim.outcome, Claimed)
    assert claim.outcome.body["text"]["body"] == "working on it"


async def test_two_at_once_announce_once(one: Talk, superuser: asyncpg.Connection) -> None:
    await one.say("wamid.0")
    turns = Turns(one.pool)
    announcement = await one.turn(message("wamid.A"), replies=[text("working on it")])
    done = await asyncio.gather(*(turns.announce(announcement) for _ in range(5)))
    assert sum(isinstance(each, Announced) for each in done) == 1
    assert await superuser.fetchval("SELECT count(*) FROM outbox") == 1


async def test_who_lost_the_lane_announces_nothing(one: Talk, superuser: asyncpg.Connection) -> None:
    lost = await one.turn(message("wamid.A"), replies=[text("x")], fence=one.fence - 1)
    assert isinstance(await Turns(one.pool).announce(lost), Fenced)
    assert await superuser.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_voice_note_is_claimed_only_after_it_was_spoken(
    one: Talk, superuser: asyncpg.Connection
) -> None:
    outbox = Outbox(one.pool)
    done = await one.say("wamid.A", replies=[NewReply(VOICE), text("and a text")])
    assert [row.claimed for row in done.outbox] == [False, False]

    async def claim() -> Any:
        claimed = await outbox.claim(SHARMA, one.lane, one.fence, done.conversation_id, ClaimRules())
        assert isinstance(claimed, Claim)
        return claimed.outcome

    unspoken = await claim()
    assert unspoken == Unspoken(done.outbox[0].id, one.number, VOICE)
    assert await superuser.fetchval("SELECT max(attempts) FROM outbox") == 0
    assert not await outbox.speak(SHARMA, one.lane, one.fence - 1, unspoken.id, {"type": "text"})
    spoken = {"type": "audio", "audio": {"id": "77", "voice": True}}
    assert await outbox.speak(SHARMA, one.lane, one.fence, unspoken.id, spoken)
    claimed = await claim()
    assert isinstance(claimed, Claimed)
    assert (claimed.id, claimed.body, claimed.attempt) == (unspoken.id, spoken, 1)
    assert await outbox.speak(SHARMA, one.lane, one.fence, unspoken.id, {"type": "text"}), "nothing to do"
    assert await superuser.fetchval("SELECT body->>'type' FROM outbox WHERE id = $1", claimed.id) == "audio"


async def test_a_voice_note_is_not_claimed_by_the_turn_itself(one: Talk) -> None:
    done = await one.queue("first")
    await Outbox(one.pool).claim(SHARMA, one.lane, one.fence, done.conversation_id, ClaimRules())
    later = await one.say("wamid.B", replies=[NewReply(VOICE)], claim=PairLimit())
    assert [row.claimed for row in later.outbox] == [False]


@pytest.mark.parametrize("on", [True, False])
async def test_the_wish_for_voice_replies_comes_with_the_turn(one: Talk, on: bool) -> None:
    await one.say("wamid.A", Remember(key=VOICE_REPLIES, value={"on": on}))
    loaded = await Turns(one.pool).load(SHARMA, one.number, one.who, [])
    assert loaded.person is not None
    assert loaded.person.voice_replies is on


async def test_without_a_wish_replies_are_text(one: Talk) -> None:
    await one.say("wamid.A")
    loaded = await Turns(one.pool).load(SHARMA, one.number, one.who, [])
    assert loaded.person is not None
    assert loaded.person.voice_replies is False
