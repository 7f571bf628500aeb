"""One person, however they are known: identities link, users merge, nothing is lost and nothing doubled."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import asyncpg

from munshi.contracts.assistant import LearnAlias, Remember
from munshi.db.ledger import LedgerBooks
from munshi.db.outbox import Claim, Claimed, ClaimRules, Outbox, SendResult
from munshi.db.turns import Committed, Conflict, Turns
from munshi.errors import Retryable

from .conftest import SHARMA, VERMA, Cells
from .scenes import NUMBER, OTHER_NUMBER, Talk, entry, identity, message, take, talk

PHONE, BSUID = identity("919820000001"), identity("IN.abc", "bsuid")


async def two_people(cells: Cells) -> tuple[Talk, Talk]:
    """The same person, known once by phone and once by BSUID, each with books of their own."""
    by_phone = await talk(cells.pool, SHARMA, who=(PHONE,))
    lane = await take(cells.pool, partition=1)
    by_bsuid = Talk(cells.pool, SHARMA, lane.lane, lane.fence, who=(BSUID,))
    await by_phone.say(
        "wamid.P1",
        entry("wamid.P1#1", "100", "Ramesh"),
        entry("wamid.P1#2", "10", "Suresh"),
        Remember(key="shop", value={"old": True}),
        state={"from": "phone"},
        person_name="Sharma",
    )
    await by_bsuid.say(
        "wamid.B1",
        entry("wamid.B1#1", "250", "ramesh"),
        Remember(key="shop", value={"old": False}),
        Remember(key="own", value={"x": 1}),
        state={"from": "bsuid"},
    )
    return by_phone, by_bsuid


async def test_two_users_of_one_person_become_one(cells: Cells, admin: asyncpg.Connection) -> None:
    by_phone, by_bsuid = await two_people(cells)
    assert by_phone.last is not None
    assert by_bsuid.last is not None
    await by_bsuid.say(
        "wamid.B2",
        LearnAlias(
            customer_id=(await LedgerBooks(cells.pool, SHARMA, by_bsuid.last.user_id).customers())[0].id,
            alias="Ramu",
        ),
    )
    turns = Turns(cells.pool)
    loaded = await turns.load(SHARMA, NUMBER, (PHONE, BSUID), [])
    assert loaded.merge
    linked = await turns.link(SHARMA, by_bsuid.lane, (PHONE, BSUID))
    keep, gone = by_phone.last.user_id, by_bsuid.last.user_id
    assert (linked.user_id, linked.merged) == (keep, (gone,))
    assert await turns.link(SHARMA, by_bsuid.lane, (PHONE, BSUID)) == replace(linked, merged=())

    loaded = await turns.load(SHARMA, NUMBER, (BSUID,), [])
    assert loaded.person is not None
    assert loaded.conversation is not None
    assert not loaded.merge
    assert (loaded.person.id, loaded.person.name) == (keep, "Sharma")
    assert loaded.conversation.state == {"from": "bsuid"}, "the one written to last"
    books = LedgerBooks(cells.pool, SHARMA, keep)
    customers = {customer.name: customer for customer in await books.customers()}
    assert set(customers) == {"Ramesh", "Suresh"}
    assert customers["Ramesh"].aliases == ("Ramu",)
    assert [owed.amount for owed in await books.balance(customers["Ramesh"].id)] == [Decimal(350)]
    memory = await admin.fetch("SELECT user_id, key, value->>'old' AS old FROM memory ORDER BY key")
    assert [tuple(row) for row in memory] == [(keep, "own", None), (keep, "shop", "false")]
    for table in (
        "user_identities",
        "conversations",
        "outbox",
        "transactions",
        "transaction_history",
        "users",
    ):
        column = "id" if table == "users" else "user_id"
        assert await admin.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", gone) == 0, table


async def test_replies_that_wait_follow_in_their_order(cells: Cells) -> None:
    by_phone, by_bsuid = await two_people(cells)
    await by_phone.queue("one")
    await by_bsuid.queue("two")
    await by_phone.queue("three")
    linked = await Turns(cells.pool).link(SHARMA, by_bsuid.lane, (PHONE, BSUID))
    assert by_phone.last is not None
    assert linked.pending == (by_phone.last.conversation_id,)
    outbox, said = Outbox(cells.pool), []
    for _ in range(3):
        done = await outbox.claim(SHARMA, by_bsuid.lane, by_bsuid.fence, linked.pending[0], ClaimRules())
        assert isinstance(done, Claim)
        assert isinstance(done.outcome, Claimed), done
        row = done.outcome
        said.append(row.body["text"]["body"])
        await outbox.settle([SendResult(SHARMA, row.id, row.attempt, by_bsuid.fence, "failed")])
    assert said == ["one", "two", "three"]


async def test_a_send_under_way_is_finished_by_who_began_it(cells: Cells) -> None:
    by_phone, by_bsuid = await two_people(cells)
    outbox = Outbox(cells.pool)
    await by_phone.queue("one", "two")
    assert by_phone.last is not None
    begun = await outbox.claim(
        SHARMA, by_phone.lane, by_phone.fence, by_phone.last.conversation_id, ClaimRules()
    )
    assert isinstance(begun, Claim)
    assert isinstance(begun.outcome, Claimed)
    row = begun.outcome
    linked = await Turns(cells.pool).link(SHARMA, by_bsuid.lane, (PHONE, BSUID))

    async def next_row() -> object:
        done = await outbox.claim(SHARMA, by_bsuid.lane, by_bsuid.fence, linked.pending[0], ClaimRules())
        assert isinstance(done, Claim)
        return done.outcome

    waiting = await next_row()
    assert getattr(waiting, "reason", None) == "in_flight"
    await outbox.settle([SendResult(SHARMA, row.id, row.attempt, by_phone.fence, "failed")])
    assert isinstance(await next_row(), Claimed)


async def test_conversations_on_different_numbers_both_stay(cells: Cells, admin: asyncpg.Connection) -> None:
    by_phone, by_bsuid = await two_people(cells)
    there = replace(by_bsuid, number=OTHER_NUMBER)
    done = await there.say("wamid.B9", state={"on": "other"})
    linked = await Turns(cells.pool).link(SHARMA, by_phone.lane, (PHONE, BSUID))
    loaded = await Turns(cells.pool).load(SHARMA, OTHER_NUMBER, (PHONE,), [])
    assert loaded.conversation is not None
    assert (loaded.conversation.id, loaded.conversation.state) == (done.conversation_id, {"on": "other"})
    assert await admin.fetchval("SELECT count(*) FROM conversations WHERE user_id = $1", linked.user_id) == 2


async def test_a_turn_begun_before_a_merge_is_refused(cells: Cells) -> None:
    by_phone, by_bsuid = await two_people(cells)
    begun = [await each.turn(message(f"wamid.{n}")) for n, each in enumerate((by_phone, by_bsuid))]
    await Turns(cells.pool).link(SHARMA, by_bsuid.lane, (PHONE, BSUID))
    assert await by_phone.commit(begun[0]) == Conflict("version")
    assert await by_bsuid.commit(begun[1]) == Conflict("version")


async def test_a_commit_that_meets_two_users_asks_for_the_merge(cells: Cells) -> None:
    by_phone, by_bsuid = await two_people(cells)
    by_phone.who = (PHONE,)
    turn = await by_phone.turn(message("wamid.X"))
    assert await by_phone.commit(replace(turn, identities=(PHONE, BSUID))) == Conflict("merge")
    fresh = replace(turn, identities=(PHONE, BSUID), conversation_id=None, phone_number_id=OTHER_NUMBER)
    assert await by_phone.commit(fresh) == Conflict("merge")
    assert by_bsuid.last is not None


async def test_the_same_identity_of_another_tenant_is_another_person(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    one = await talk(cells.pool, SHARMA, who=(PHONE, BSUID))
    other = Talk(cells.pool, VERMA, one.lane, one.fence, who=(PHONE,))
    await one.say("wamid.A")
    await other.say("wamid.A")
    await Turns(cells.pool).link(VERMA, one.lane, (PHONE, BSUID))
    rows = await admin.fetch("SELECT tenant, count(*) FROM users GROUP BY tenant ORDER BY tenant")
    assert [tuple(row) for row in rows] == [(SHARMA, 1), (VERMA, 1)]


async def test_merging_while_both_write_loses_nothing(cells: Cells, admin: asyncpg.Connection) -> None:
    """Turns, sends and the merge at once, on both of the person's conversations."""
    by_phone, by_bsuid = await two_people(cells)
    turns = Turns(cells.pool)
    wanted = 12

    async def write(one: Talk, name: str) -> None:
        for number in range(wanted):
            ref = f"wamid.{name}.{number}"
            async with asyncio.timeout(60):
                while True:
                    try:
                        turn = await one.turn(message(ref), effects=(entry(f"{ref}#1", "1", "Ramesh"),))
                        done = await one.commit(turn)
                    except Retryable:
                        continue
                    if isinstance(done, Committed):
                        break
                    assert isinstance(done, Conflict), done

    async def merge() -> None:
        await asyncio.sleep(0)
        await turns.link(SHARMA, by_bsuid.lane, (PHONE, BSUID))

    await asyncio.gather(write(by_phone, "p"), write(by_bsuid, "b"), merge())
    linked = await turns.link(SHARMA, by_bsuid.lane, (PHONE, BSUID))
    books = LedgerBooks(cells.pool, SHARMA, linked.user_id)
    ramesh = next(customer for customer in await books.customers() if customer.name == "Ramesh")
    (owed,) = await books.balance(ramesh.id)
    assert owed.amount == Decimal(350 + 2 * wanted)
    assert await admin.fetchval("SELECT count(*) FROM users") == 1
    assert await admin.fetchval("SELECT count(*) FROM conversations") == 1
    assert await admin.fetchval("SELECT count(*) FROM ledger_customers") == 2
