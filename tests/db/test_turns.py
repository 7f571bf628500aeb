"""A turn is written whole or not at all, once, by the owner of its lane, on what it saw."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from munshi.contracts.assistant import AmendEntry
from munshi.contracts.ids import MessageID, TenantKey
from munshi.contracts.understanding import Language, Script
from munshi.db.connection import open_pool
from munshi.db.dead_letters import Burial, Graveyard, Mark
from munshi.db.errors import translated
from munshi.db.ledger import LedgerBooks
from munshi.db.outbox import Outbox
from munshi.db.turns import Committed, Conflict, Fenced, PairLimit, Seen, TurnQuery, Turns
from munshi.errors import Permanent, Retryable
from rig.servers import Servers

from .conftest import APART, SHARMA, VERMA, Cells, Database
from .scenes import NUMBER, OTHER_NUMBER, entry, identity, message, now, take, talk, text

WRITTEN = (
    "users",
    "user_identities",
    "conversations",
    "inbound_messages",
    "transactions",
    "ledger_customers",
    "outbox",
    "usage",
)


async def counts(admin: asyncpg.Connection) -> dict[str, int]:
    """Rows of every table that a turn writes, and the versions of conversations."""
    found = {name: await admin.fetchval(f"SELECT count(*) FROM {name}") for name in WRITTEN}
    return {
        **found,
        "versions": await admin.fetchval("SELECT coalesce(sum(version), 0)::int FROM conversations"),
    }


async def test_a_turn_writes_marks_effects_state_and_replies(cells: Cells, admin: asyncpg.Connection) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    first = await ramesh.turn(
        message("wamid.A"),
        effects=(entry("wamid.A#1"),),
        state={"step": 1},
        language=Language(tag="hi", confidence=0.5),
        replies=(text("likh liya"), text("aur kuch?")),
        person_name="Ramesh K",
        notices={"slow": "2026-11-21T00:00:00Z"},
        day_count=3,
    )
    done = await ramesh.commit(first)
    assert isinstance(done, Committed)
    assert [row.claimed for row in done.outbox] == [False, False]

    loaded = await Turns(cells.pool).load(
        SHARMA, NUMBER, ramesh.who, [MessageID("wamid.A"), MessageID("wamid.B")]
    )
    assert loaded.conversation is not None
    assert loaded.person is not None
    assert (loaded.conversation.id, loaded.conversation.version) == (done.conversation_id, done.version)
    assert loaded.conversation.state == {"step": 1}
    assert loaded.conversation.language == Language(tag="hi", confidence=0.5)
    assert loaded.conversation.window_expires_at == first.window_expires_at
    assert loaded.conversation.notices == {"slow": "2026-11-21T00:00:00Z"}
    assert loaded.conversation.day_count == 3
    assert loaded.conversation.pending_outbox == 2
    assert loaded.person.name == "Ramesh K"
    assert loaded.seen == ("wamid.A",)
    assert loaded.transactions_this_month == 1
    assert (loaded.unlinked, loaded.merge) == ((), False)

    books = LedgerBooks(cells.pool, SHARMA, done.user_id)
    (customer,) = await books.customers()
    (owed,) = await books.balance(customer.id)
    assert (customer.name, owed.amount) == ("Ramesh", Decimal(500))
    bodies = await admin.fetch("SELECT body->'text'->>'body' AS said FROM outbox ORDER BY id")
    assert [row["said"] for row in bodies] == ["likh liya", "aur kuch?"]


async def test_what_a_turn_leaves_out_stays(cells: Cells) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    first = await ramesh.say("wamid.A", state={"a": 1}, notices={"n": 1}, day_count=5)
    window = now() + timedelta(hours=40)
    await ramesh.say("wamid.B", window_expires_at=window)
    await ramesh.say("wamid.C", window_expires_at=None)
    loaded = await Turns(cells.pool).load(SHARMA, NUMBER, ramesh.who, [])
    assert loaded.conversation is not None
    assert loaded.conversation.version == first.version + 2
    assert (loaded.conversation.state, loaded.conversation.notices) == ({"a": 1}, {"n": 1})
    assert (loaded.conversation.day_count, loaded.conversation.window_expires_at) == (5, window)


async def test_a_window_never_shrinks(cells: Cells) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    long = now() + timedelta(hours=24)
    await ramesh.say("wamid.A", window_expires_at=long)
    await ramesh.say("wamid.B", window_expires_at=long - timedelta(hours=3))
    loaded = await Turns(cells.pool).load(SHARMA, NUMBER, ramesh.who, [])
    assert loaded.conversation is not None
    assert loaded.conversation.window_expires_at == long


async def test_the_same_turn_twice_is_written_once(cells: Cells, admin: asyncpg.Connection) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    await ramesh.say("wamid.0")
    turn = await ramesh.turn(message("wamid.A"), effects=(entry("wamid.A#1"),), replies=(text("ok"),))
    assert isinstance(await ramesh.commit(turn), Committed)
    before = await counts(admin)
    assert await ramesh.commit(turn) == Seen((MessageID("wamid.A"),))
    assert await counts(admin) == before


async def test_a_turn_with_one_seen_message_is_not_written_at_all(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    await ramesh.say("wamid.A")
    before = await counts(admin)
    mixed = await ramesh.turn(message("wamid.A"), message("wamid.B"), effects=(entry("wamid.B#1"),))
    assert await ramesh.commit(mixed) == Seen((MessageID("wamid.A"),))
    assert await counts(admin) == before
    assert isinstance(await ramesh.commit(replace(mixed, messages=mixed.messages[1:])), Committed)


async def test_a_strangers_message_that_was_given_up_makes_nobody(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    letter = Burial(
        SHARMA, "turn", "wamid.A", "defect", {}, message_id=MessageID("wamid.A"), mark=Mark("text", now())
    )
    await Graveyard(cells.pool).bury(letter)
    before = await counts(admin)
    ramesh = await talk(cells.pool, SHARMA)
    assert await ramesh.commit(await ramesh.turn(message("wamid.A"))) == Seen((MessageID("wamid.A"),))
    assert await counts(admin) == before


async def test_eight_at_once_write_one_turn(cells: Cells, admin: asyncpg.Connection) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    turn = await ramesh.turn(message("wamid.A"), effects=(entry("wamid.A#1"),), replies=(text("ok"),))
    done = await asyncio.gather(*(ramesh.commit(turn) for _ in range(8)))
    assert sum(isinstance(one, Committed) for one in done) == 1
    assert all(isinstance(one, Committed | Seen | Conflict) for one in done)
    assert set((await counts(admin)).values()) == {1}


async def test_a_turn_on_what_is_no_longer_so_is_refused(cells: Cells, admin: asyncpg.Connection) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    await ramesh.say("wamid.0")
    early = await ramesh.turn(message("wamid.A"), state={"from": "A"})
    late = await ramesh.turn(message("wamid.B"), state={"from": "B"})
    assert isinstance(await ramesh.commit(late), Committed)
    before = await counts(admin)
    assert await ramesh.commit(early) == Conflict("version")
    assert await counts(admin) == before


async def test_a_first_turn_that_was_overtaken_is_refused(cells: Cells) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    one, other = await ramesh.turn(message("wamid.A")), await ramesh.turn(message("wamid.B"))
    assert isinstance(await ramesh.commit(one), Committed)
    assert await ramesh.commit(other) == Conflict("version")


async def test_books_that_changed_under_a_turn_refuse_it_whole(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    before = await counts(admin)
    gone = AmendEntry(ref="wamid.never#1", amount=Decimal(6), reason="correct")
    turn = await ramesh.turn(message("wamid.A"), effects=(entry("wamid.A#1"), gone), replies=(text("ok"),))
    assert await ramesh.commit(turn) == Conflict("books")
    assert await counts(admin) == before


async def test_an_older_fence_writes_nothing(cells: Cells, admin: asyncpg.Connection) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    turn = await ramesh.turn(message("wamid.A"))
    newer = await take(cells.pool)
    assert newer.fence > ramesh.fence
    assert await ramesh.commit(turn) == Fenced()
    assert (await counts(admin))["inbound_messages"] == 0
    assert isinstance(await ramesh.commit(replace(turn, fence=newer.fence)), Committed)


async def test_a_lane_is_not_taken_while_a_commit_is_under_way(
    cells: Cells, db: Database, admin: asyncpg.Connection
) -> None:
    """The commit goes first and the taking waits for it; so no commit of an older fence ends later."""
    # The role's own settings give up after two seconds of waiting; the looks below may take longer.
    patient = f"{db.cell_url(cells.pool_role)}?lock_timeout=60s&statement_timeout=60s"
    pool = await open_pool(patient, name="test", timeout_seconds=60)
    db.pools.append(pool)
    ramesh = await talk(pool, SHARMA)
    await ramesh.say("wamid.0")
    turn = await ramesh.turn(message("wamid.A"))
    superuser = await asyncpg.connect(db.superuser_url)
    hold = superuser.transaction()
    await hold.start()
    await superuser.execute("SELECT 1 FROM conversations FOR UPDATE")
    committing = asyncio.create_task(ramesh.commit(turn))
    await _until(admin, "SELECT count(*) FROM pg_locks WHERE NOT granted", 1)
    taking = asyncio.create_task(take(pool))
    await _until(admin, "SELECT count(*) FROM pg_locks WHERE NOT granted", 2)
    await hold.rollback()
    assert isinstance(await committing, Committed)
    taken = await taking
    assert taken.fence == ramesh.fence + 1
    await superuser.close()


async def _until(admin: asyncpg.Connection, query: str, value: int) -> None:
    async with asyncio.timeout(60):
        while await admin.fetchval(query) < value:
            await asyncio.sleep(0.01)


async def test_two_first_messages_of_a_person_make_one_user(cells: Cells, admin: asyncpg.Connection) -> None:
    """On two business numbers at once, in two lanes."""
    who = (identity("919820000001"), identity("IN.abc", "bsuid"))
    here = await talk(cells.pool, SHARMA, who=who)
    there = replace(here, number=OTHER_NUMBER)
    one, other = await here.turn(message("wamid.A")), await there.turn(message("wamid.B"))
    done = await asyncio.gather(here.commit(one), there.commit(other))
    assert all(isinstance(result, Committed) for result in done), done
    found = await counts(admin)
    assert (found["users"], found["user_identities"], found["conversations"]) == (1, 2, 2)


async def test_a_new_identity_seen_beside_a_known_one_is_linked(cells: Cells) -> None:
    phone, bsuid = identity("919820000001"), identity("IN.abc", "bsuid")
    ramesh = await talk(cells.pool, SHARMA, who=(phone,))
    first = await ramesh.say("wamid.A")
    loaded = await Turns(cells.pool).load(SHARMA, NUMBER, (bsuid, phone), [])
    assert loaded.unlinked == (("bsuid", bsuid.hash),)
    ramesh.who = (bsuid, phone)
    await ramesh.say("wamid.B")
    ramesh.who = (bsuid,)
    third = await ramesh.say("wamid.C")
    assert (third.user_id, third.conversation_id) == (first.user_id, first.conversation_id)


async def test_a_profile_name_follows_the_person(cells: Cells) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    await ramesh.say("wamid.A", person_name="Ramesh")
    await ramesh.say("wamid.B", person_name="Ramesh Kirana", language=Language(tag="hi"))
    await ramesh.say("wamid.C")
    loaded = await Turns(cells.pool).load(SHARMA, NUMBER, ramesh.who, [])
    assert loaded.person is not None
    assert loaded.person.name == "Ramesh Kirana"
    assert loaded.person.language == Language(tag="hi")
    await ramesh.say("wamid.D", language=Language(tag="hi", script=Script.DEVANAGARI))
    loaded = await Turns(cells.pool).load(SHARMA, NUMBER, ramesh.who, [])
    assert loaded.person is not None
    assert (loaded.person.name, loaded.person.language) == (
        "Ramesh Kirana",
        Language(tag="hi", script=Script.DEVANAGARI),
    )


async def test_a_reply_is_claimed_in_the_commit_when_nothing_forbids_it(cells: Cells) -> None:
    limit = PairLimit(interval_seconds=3600, burst=2)
    ramesh = await talk(cells.pool, SHARMA)
    first = await ramesh.say("wamid.A", replies=(text("one"), text("two")), claim=limit)
    assert [row.claimed for row in first.outbox] == [True, False]
    waits = await ramesh.say("wamid.B", replies=(text("three"),), claim=limit)
    assert [row.claimed for row in waits.outbox] == [False], "an earlier row is not sent yet"


@pytest.mark.parametrize(
    ("case", "claimed"),
    [
        ("nothing", True),
        ("window", False),
        ("opted out", False),
        ("opting out now", False),
        ("opting out, confirmed", True),
        ("paused", False),
        ("pair", False),
        ("template", True),
    ],
)
async def test_a_claim_in_the_commit_keeps_all_rules(
    cells: Cells, admin: asyncpg.Connection, case: str, claimed: bool
) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    limit = PairLimit(interval_seconds=3600, burst=1)
    await ramesh.say("wamid.0", window_expires_at=None)
    reply = text("hello")
    changes: dict[str, Any] = {"window_expires_at": now() + timedelta(hours=24)}
    match case:
        case "window":
            changes = {"window_expires_at": now() - timedelta(seconds=1)}
        case "template":
            reply, changes = replace(reply, body={"type": "template"}), {"window_expires_at": None}
        case "opted out":
            await ramesh.say("wamid.1", opted_out=True)
        case "opting out now":
            changes = {**changes, "opted_out": True}
        case "opting out, confirmed":
            changes = {**changes, "opted_out": True}
            reply = replace(reply, past_opt_out=True)
        case "paused":
            await Outbox(cells.pool).pause_number(SHARMA, NUMBER, "credentials")
        case "pair":
            first = await ramesh.say("wamid.1", replies=(text("x"),), claim=limit)
            await admin.execute("UPDATE outbox SET state = 'sent' WHERE id = $1", first.outbox[0].id)
    done = await ramesh.say("wamid.2", replies=(reply,), claim=limit, **changes)
    assert [row.claimed for row in done.outbox] == [claimed]


async def test_turns_loaded_together_see_each_their_own_tenant(cells: Cells) -> None:
    """The same person writes to two shops; every order of them in one statement."""
    sharma = await talk(cells.pool, SHARMA)
    verma = replace(sharma, tenant=VERMA)
    await sharma.say("wamid.S", entry("wamid.S#1", customer="Suresh"), state={"of": "sharma"})
    await verma.say("wamid.V", entry("wamid.V#1", customer="Vinod"), state={"of": "verma"})
    marks = [MessageID("wamid.S"), MessageID("wamid.V")]
    asked = [TurnQuery(tenant, NUMBER, sharma.who, marks) for tenant in (SHARMA, VERMA, SHARMA, VERMA)]
    asked.append(TurnQuery(VERMA, NUMBER, [identity("nobody")], marks))
    for queries in (asked, asked[::-1]):
        found = await Turns(cells.pool).load_all(queries)
        seen = {
            SHARMA: ({"of": "sharma"}, ("wamid.S",), ["Suresh"]),
            VERMA: ({"of": "verma"}, ("wamid.V",), ["Vinod"]),
        }
        for query, loaded in zip(queries, found, strict=True):
            state, marked, names = seen[query.tenant]
            known = query.identities is sharma.who
            assert (loaded.conversation is not None and loaded.conversation.state == state) is known
            assert loaded.seen == marked
            assert [customer.name for customer in loaded.customers or ()] == (names if known else [])


async def test_a_tenant_of_another_cell_is_refused_also_among_others(cells: Cells) -> None:
    mine = TurnQuery(SHARMA, NUMBER, [identity("1")], [])
    with pytest.raises(Permanent) as caught:
        await Turns(cells.pool).load_all([mine, TurnQuery(APART, NUMBER, [identity("1")], []), mine])
    assert caught.value.reason == "foreign_tenant"


async def test_a_tenant_of_another_cell_is_refused(cells: Cells) -> None:
    with pytest.raises(Permanent) as caught:
        await Turns(cells.pool).load(APART, NUMBER, [identity("1")], [])
    assert caught.value.reason == "foreign_tenant"
    with pytest.raises(Permanent):
        await Turns(cells.pool).load(TenantKey("nobody"), NUMBER, [identity("1")], [])


async def test_a_statement_that_takes_too_long_is_worth_another_try(cells: Cells) -> None:
    async with cells.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = '5ms'")
        with pytest.raises(Retryable), translated():
            await connection.fetchval("SELECT pg_sleep(5)")


async def test_a_server_that_is_away_is_worth_another_try(own_servers: Servers) -> None:
    pool = await open_pool(own_servers.admin_url(), name="test", size=1)
    own_servers.postgres.kill()
    with pytest.raises(Retryable):
        await Turns(pool).load(SHARMA, NUMBER, [identity("1")], [])
    await pool.close()
