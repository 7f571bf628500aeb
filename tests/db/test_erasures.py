"""Files deleted on request: what the database has of them goes at once, the bytes as soon as may be."""

import json
from datetime import timedelta
from typing import Any, Literal

import asyncpg
import pytest

from munshi.contracts.assistant import EraseFile, Remember, Source
from munshi.contracts.ids import MessageID
from munshi.contracts.media import DocumentFields
from munshi.contracts.tenant import Retention
from munshi.db.dead_letters import Burial, Graveyard
from munshi.db.erasures import Due, Erasures, ErasuresByHand
from munshi.db.ledger import LedgerBooks
from munshi.db.outbox import Outbox, SendResult
from munshi.db.retention import purge
from munshi.db.turns import Committed, PairLimit

from .conftest import APART, SHARMA, VERMA, Cells, Database
from .scenes import Talk, entry, identity, message, now, talk, text
from .test_attachments import picture

STATE = {
    "v": 1,
    "drafts": [{"id": "a", "message_id": "wamid.A"}, {"id": "b", "message_id": "wamid.other"}],
    "unsure": {"message_id": "wamid.A", "text": "Ramesh ko 500"},
    "customer": "Ramesh",
}
LEFT = {"v": 1, "drafts": [{"id": "b", "message_id": "wamid.other"}], "customer": "Ramesh"}


@pytest.fixture
async def one(cells: Cells) -> Talk:
    """A conversation."""
    return await talk(cells.pool, SHARMA)


@pytest.fixture
async def by_hand(db: Database) -> ErasuresByHand:
    """As the operator or the command line."""
    return ErasuresByHand(await db.open(db.admin_url, 1))


async def receipt(one: Talk, message_id: str, *, sent: bool = True, **changes: Any) -> Committed:
    """A turn about a picture; its answer shows what was read of it."""
    turn = await one.turn(
        message(message_id, type="image", body={"image": {"caption": "from Gupta"}}),
        effects=(
            picture(message_id, "aa11", invoice_no="17", vendor="Gupta", total="640.00"),
            Remember(key="vendor:gupta", value={"name": "Gupta"}, of=MessageID(message_id)),
        ),
        replies=[text("TOTAL 640, book it?", reply_to=MessageID(message_id))],
        claim=PairLimit(),
        **changes,
    )
    done = await one.commit(turn)
    assert isinstance(done, Committed), done
    one.last = done
    if sent:
        await settled(one, done)
    return done


async def settled(one: Talk, done: Committed, result: Literal["sent", "dead"] = "sent") -> None:
    told = SendResult(
        tenant=one.tenant,
        id=done.outbox[0].id,
        attempt=1,
        fence=one.fence,
        result=result,
        wamid=MessageID(f"wamid.out{done.outbox[0].id}"),
    )
    await Outbox(one.pool).settle([told])


async def everything(superuser: asyncpg.Connection) -> str:
    """All that tables say of anything, but for the books' own and the list of what is to be deleted."""
    found = []
    for name in ("attachments", "inbound_messages", "outbox", "memory", "conversations", "dead_letters"):
        found += await superuser.fetch(f"SELECT to_jsonb(t)::text AS row FROM {name} t")
    return "\n".join(row["row"] for row in found)


async def test_a_message_deleted_for_everyone_takes_its_file_along(
    one: Talk, cells: Cells, superuser: asyncpg.Connection
) -> None:
    await receipt(one, "wamid.A", state=STATE)
    booked = entry("wamid.yes#1", "640", customer="Gupta", source=Source.IMAGE, of=MessageID("wamid.A"))
    done = await one.say("wamid.yes", booked)
    assert "TOTAL 640" in await everything(superuser)
    await one.say("wamid.revoke", EraseFile(message_id=MessageID("wamid.A")))

    left = await everything(superuser)
    for word in ("TOTAL 640", "aa11", "from Gupta", "GUPTA", "vendor:gupta", "Ramesh ko 500"):
        assert word not in left, word
    assert json.loads(await superuser.fetchval("SELECT state FROM conversations")) == LEFT
    books = LedgerBooks(one.pool, SHARMA, done.user_id)
    last = await books.last_entry()
    assert last is not None
    assert (last.ref, last.customer_name) == ("wamid.yes#1", "Gupta"), "the books stay"
    assert list(await books.same_receipt("aa11", DocumentFields())) == []
    marks = await superuser.fetchval("SELECT count(*) FROM inbound_messages WHERE message_id = 'wamid.A'")
    assert marks == 1, "a late repeat is told apart by it"

    erasures = Erasures(one.pool)
    assert await Erasures(cells.apart).take(10) == [], "another cell's worker sees none of it"
    (due,) = await erasures.take(10)
    assert due == Due(SHARMA, MessageID("wamid.A"), 1)
    assert await erasures.take(10) == [], "not again at once"
    assert await erasures.end(due)
    await superuser.execute("UPDATE erasures SET next_try_at = now()")
    assert await erasures.take(10) == [], "and never again once it is done"


async def test_what_is_tried_in_vain_comes_again_ever_later(one: Talk, superuser: asyncpg.Connection) -> None:
    await receipt(one, "wamid.A")
    await one.say("wamid.revoke", EraseFile(message_id=MessageID("wamid.A")))
    for tries, seconds in enumerate([5, 10, 20, 40, 80, 160, 320, 600, 600], 1):
        began = now()
        (due,) = await Erasures(one.pool).take(10)
        ended = now()
        assert due.tries == tries
        again = await superuser.fetchval("SELECT next_try_at FROM erasures")
        assert began <= again - timedelta(seconds=seconds) <= ended
        await superuser.execute("UPDATE erasures SET next_try_at = now()")


async def test_an_answer_on_its_way_is_waited_for(one: Talk, superuser: asyncpg.Connection) -> None:
    shown = await receipt(one, "wamid.A", sent=False)
    await one.say("wamid.revoke", EraseFile(message_id=MessageID("wamid.A")))
    erasures = Erasures(one.pool)
    (due,) = await erasures.take(10)
    assert not await erasures.end(due)
    assert "TOTAL 640" in await everything(superuser)
    await settled(one, shown)
    await superuser.execute("UPDATE erasures SET next_try_at = now()")
    (due,) = await erasures.take(10)
    assert await erasures.end(due)
    assert "TOTAL 640" not in await everything(superuser)


async def test_an_answer_that_was_never_sent_goes_with_its_dead_letter(
    one: Talk, superuser: asyncpg.Connection
) -> None:
    await settled(one, await receipt(one, "wamid.A", sent=False), "dead")
    assert await superuser.fetchval("SELECT payload::text LIKE '%TOTAL 640%' FROM dead_letters")
    await one.say("wamid.revoke", EraseFile(message_id=MessageID("wamid.A")))
    assert "TOTAL 640" not in await everything(superuser)


async def test_a_file_that_comes_after_its_deletion_is_not_kept(
    one: Talk, superuser: asyncpg.Connection
) -> None:
    await one.say("wamid.revoke", EraseFile(message_id=MessageID("wamid.A")))
    (due,) = await Erasures(one.pool).take(10)
    assert await Erasures(one.pool).end(due)
    await receipt(one, "wamid.A", state=STATE)
    assert "aa11" not in await everything(superuser)
    assert json.loads(await superuser.fetchval("SELECT state FROM conversations")) == LEFT
    assert await Erasures(one.pool).take(10) == [due], "its bytes are deleted once more"


async def test_a_text_has_no_file(one: Talk, superuser: asyncpg.Connection) -> None:
    await one.say("wamid.A", replies=[text("noted")])
    await one.say("wamid.revoke", EraseFile(message_id=MessageID("wamid.A")))
    assert await Erasures(one.pool).take(10) == []
    assert await superuser.fetchval(
        "SELECT body IS NOT NULL FROM inbound_messages WHERE message_id = 'wamid.A'"
    )


async def test_nobody_deletes_anothers_file(one: Talk, superuser: asyncpg.Connection) -> None:
    await receipt(one, "wamid.A")
    other = Talk(one.pool, SHARMA, one.lane, one.fence, who=(identity("919820000002"),))
    await other.say("wamid.revoke", EraseFile(message_id=MessageID("wamid.A")))
    assert await superuser.fetchval("SELECT count(*) FROM attachments") == 1
    assert await Erasures(one.pool).take(10) == []


async def test_all_files_of_a_person_by_hand(
    one: Talk, by_hand: ErasuresByHand, superuser: asyncpg.Connection
) -> None:
    await receipt(one, "wamid.A", state=STATE)
    await receipt(one, "wamid.B")
    await one.say("wamid.text", entry("wamid.text#1"), Remember(key="vendor:older", value={"name": "Older"}))
    other = Talk(one.pool, SHARMA, one.lane, one.fence, who=(identity("919820000002"),))
    await receipt(other, "wamid.C")
    letter = Burial(SHARMA, "turn", "wamid.A", "turn_failed", {"x": 1}, message_id=MessageID("wamid.A"))
    await Graveyard(one.pool).bury(letter)

    user = await by_hand.person(SHARMA, "phone", one.who[0].hash)
    assert one.last is not None
    assert user == one.last.user_id
    assert await by_hand.person(VERMA, "phone", one.who[0].hash) is None
    assert await by_hand.person(SHARMA, "bsuid", one.who[0].hash) is None
    assert await by_hand.knows(SHARMA, user)
    assert not await by_hand.knows(APART, user)
    plan = await by_hand.plan(SHARMA, user, None)
    assert (plan.messages, plan.files, plan.bytes) == (("wamid.A", "wamid.B"), 2, 600_000)
    assert (plan.readings, plan.entries) == (2, 0)

    computed = await one.turn(message("wamid.meanwhile"))
    done = await by_hand.erase(SHARMA, user, None)
    assert (done.ids, done.messages, done.readings) == (("wamid.A", "wamid.B"), 2, 2)
    assert (done.answers, done.facts, done.letters) == (2, 2, 1)
    assert not isinstance(await one.commit(computed), Committed), "it was computed of what is gone"
    kept = await superuser.fetch("SELECT message_id FROM attachments")
    assert [row["message_id"] for row in kept] == ["wamid.C"]
    assert await superuser.fetchval("SELECT count(*) FROM transactions") == 1
    assert await by_hand.waiting(SHARMA, done.ids) == 2
    for due in await Erasures(one.pool).take(10):
        assert await Erasures(one.pool).end(due)
    assert await by_hand.waiting(SHARMA, done.ids) == 0
    again = await by_hand.plan(SHARMA, user, None)
    assert (again.files, again.readings) == (0, 0)


async def test_one_message_by_hand(one: Talk, by_hand: ErasuresByHand, superuser: asyncpg.Connection) -> None:
    await receipt(one, "wamid.A", state=STATE)
    await receipt(one, "wamid.B")
    plan = await by_hand.plan(SHARMA, None, MessageID("wamid.A"))
    assert (plan.messages, plan.files) == (("wamid.A",), 1)
    done = await by_hand.erase(SHARMA, None, MessageID("wamid.A"))
    assert (done.messages, done.readings, done.answers) == (1, 1, 1)
    kept = await superuser.fetch("SELECT message_id FROM attachments")
    assert [row["message_id"] for row in kept] == ["wamid.B"]


async def test_erasures_go_with_the_marks_and_with_the_tenant(
    one: Talk, admin: asyncpg.Connection, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        "INSERT INTO erasures (tenant, message_id, asked_at, done_at) VALUES"
        " ('shops_sharma', 'done young', now() - interval '7 days', now()),"
        " ('shops_sharma', 'done old', now() - interval '9 days', now()),"
        " ('shops_sharma', 'waits', now() - interval '9 days', NULL),"
        " ('shops_sharma', 'gone by itself', now() - interval '91 days', NULL)"
    )
    await purge(one.pool, SHARMA, Retention(media="90d", messages="365d"), now())
    left = await superuser.fetch("SELECT message_id FROM erasures ORDER BY 1")
    assert [row["message_id"] for row in left] == ["done young", "waits"]
    await admin.execute("SELECT purge_tenant($1)", SHARMA)
    assert await superuser.fetchval("SELECT count(*) FROM erasures") == 0
