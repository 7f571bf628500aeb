"""The books: exact, per person, never lost, and read as the port `LedgerReader` says."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from munshi.contracts.assistant import (
    AmendEntry,
    Balance,
    CategoryTotal,
    Customer,
    LearnAlias,
    LedgerReader,
    Remember,
    RemoveEntry,
)
from munshi.contracts.ids import MessageID
from munshi.contracts.understanding import Category
from munshi.db.ledger import BalanceQuery, LedgerBooks, read_balances
from munshi.db.outbox import Outbox, Status
from munshi.db.turns import Committed, Conflict, Turns
from munshi.errors import Permanent

from .conftest import SHARMA, VERMA, Cells
from .scenes import NUMBER, Talk, entry, identity, message, now, talk, text


def books(one: Talk) -> LedgerBooks:
    """The person's own."""
    assert one.last is not None
    return LedgerBooks(one.pool, one.tenant, one.last.user_id)


async def usage(one: Talk) -> int:
    """Entries of this month, as a turn finds them."""
    return (await Turns(one.pool).load(one.tenant, NUMBER, one.who, [])).transactions_this_month


async def test_the_reader_keeps_the_port() -> None:
    def port(reader: LedgerReader) -> LedgerReader:
        return reader

    nobody = port(LedgerBooks(None, SHARMA, None))  # type: ignore[arg-type] # asks nothing
    assert list(await nobody.customers()) == []
    assert await nobody.last_entry() is None
    assert list(await nobody.totals(date(2026, 1, 1), date(2026, 1, 2))) == []


async def test_an_entry_is_read_back_as_it_was_booked(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1", "99.50", description="chai", category=Category.EXPENSE))
    found = await books(one).last_entry()
    assert found is not None
    assert (found.ref, found.description, found.amount) == ("wamid.A#1", "chai", Decimal("99.50"))
    assert (found.category, found.currency, found.occurred_on) == (
        Category.EXPENSE,
        "INR",
        date(2026, 11, 21),
    )
    assert abs((now() - found.created_at).total_seconds()) < 60


@pytest.mark.parametrize("amount", ["0.01", "9999999999.99", "1234567.89", "0.1"])
async def test_amounts_are_exact(cells: Cells, amount: str) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1", amount), entry("wamid.A#2", amount))
    (owed,) = await books(one).balance((await books(one).customers())[0].id)
    assert owed.amount == 2 * Decimal(amount)


async def test_one_name_in_many_spellings_of_case_and_space_is_one_customer(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    names = ["Ramesh", "ramesh", "  RAMESH ", "Ramesh\u00a0", "पिज़्ज़ा", "पिज़्ज़ा"]
    refs = [entry(f"wamid.A#{number}", "1", name) for number, name in enumerate(names)]
    await one.say("wamid.A", *refs)
    assert len(await books(one).customers()) == 2


async def test_a_new_customer_booked_by_many_at_once_is_made_once(cells: Cells) -> None:
    """The same books from two business numbers, whose conversations do not wait for each other."""
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.first")
    talks = [Talk(cells.pool, SHARMA, one.lane, one.fence, number=f"20{n}") for n in range(6)]  # type: ignore[arg-type]
    turns = [
        await each.turn(message(f"wamid.{n}"), effects=(entry(f"wamid.{n}#1", "1", "Naya"),))
        for n, each in enumerate(talks)
    ]
    done = await asyncio.gather(*(each.commit(turn) for each, turn in zip(talks, turns, strict=True)))
    assert all(isinstance(result, Committed) for result in done), done
    (customer,) = await books(one).customers()
    (owed,) = await books(one).balance(customer.id)
    assert owed.amount == Decimal(6)
    assert await usage(one) == 6


async def test_a_correction_changes_in_place_and_keeps_what_was(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1", "500", "Ramesh"))
    (ramesh,) = await books(one).customers()
    await one.say("wamid.B", AmendEntry(ref="wamid.A#1", amount=Decimal(600), reason="correct"))
    await one.say("wamid.C", AmendEntry(ref="wamid.A#1", customer_name="Suresh", reason="correct"))
    found = await books(one).last_entry()
    assert found is not None
    assert (found.amount, found.customer_name, found.ref) == (Decimal(600), "Suresh", "wamid.A#1")
    assert list(await books(one).balance(ramesh.id)) == []
    kept = await admin.fetch(
        "SELECT action, reason, before->>'amount' AS amount, before->>'customer_name' AS name"
        " FROM transaction_history ORDER BY id"
    )
    assert [tuple(row) for row in kept] == [
        ("amend", "correct", "500.00", "Ramesh"),
        ("amend", "correct", "600.00", "Ramesh"),
    ]
    assert await usage(one) == 1


async def test_an_entry_taken_back_is_in_the_history_alone(cells: Cells, admin: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1"), entry("wamid.A#2", "7"))
    await one.say("wamid.B", AmendEntry(ref="wamid.A#1", amount=Decimal(600), reason="correct"))
    await one.say("wamid.C", RemoveEntry(ref="wamid.A#1", reason="undo"))
    assert [each.ref for each in await books(one).entries_of_message(MessageID("wamid.A"))] == ["wamid.A#2"]
    assert await usage(one) == 1
    kept = await admin.fetch(
        "SELECT action, before->>'amount' AS amount FROM transaction_history ORDER BY id"
    )
    assert [tuple(row) for row in kept] == [("amend", "500.00"), ("remove", "600.00")]
    again = await one.turn(message("wamid.D"), effects=(RemoveEntry(ref="wamid.A#1", reason="undo"),))
    assert await one.commit(again) == Conflict("books")


async def test_nobody_changes_anothers_books(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    other = Talk(cells.pool, SHARMA, one.lane, one.fence, who=(identity("other"),))
    await one.say("wamid.A", entry("wamid.A#1"))
    await other.say("wamid.B")
    (ramesh,) = await books(one).customers()
    for effect in (
        RemoveEntry(ref="wamid.A#1", reason="undo"),
        AmendEntry(ref="wamid.A#1", amount=Decimal(1), reason="x"),
        LearnAlias(customer_id=ramesh.id, alias="mine"),
        entry("wamid.C#1", customer_id=ramesh.id),
    ):
        turn = await other.turn(message("wamid.C"), effects=(effect,))
        assert await other.commit(turn) == Conflict("books")
    assert list(await books(other).customers()) == []
    assert list(await books(other).balance(ramesh.id)) == []
    assert list(await books(other).entries_of_message(MessageID("wamid.A"))) == []
    assert await LedgerBooks(cells.pool, VERMA, one.last.user_id if one.last else 0).last_entry() is None


async def test_balances_read_together_are_those_of_each_persons_own_books(cells: Cells) -> None:
    sharma = await talk(cells.pool, SHARMA)
    verma = Talk(cells.pool, VERMA, sharma.lane, sharma.fence)
    await sharma.say("wamid.S", entry("wamid.S#1", "500"))
    await verma.say("wamid.V", entry("wamid.V#1", "70"), entry("wamid.V#2", "7", currency="USD"))
    asked = []
    for one in (sharma, verma):
        assert one.last is not None
        (ramesh,) = await books(one).customers()
        asked.append(BalanceQuery(one.tenant, one.last.user_id, ramesh.id))
    of_sharma, of_verma = asked
    foreign = of_sharma._replace(tenant=VERMA)
    stranger = of_sharma._replace(user_id=of_sharma.user_id + 1000)
    found = await read_balances(cells.pool, [of_verma, foreign, of_sharma, stranger, of_verma])
    amounts = [[(row.currency, row.amount) for row in rows] for rows in found]
    hers = [("INR", Decimal(70)), ("USD", Decimal(7))]
    assert amounts == [hers, [], [("INR", Decimal(500))], [], hers]


async def test_questions_are_answered_from_the_books(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    day = date(2026, 11, 20)
    await one.say(
        "wamid.A",
        entry("wamid.A#1", "500", "Ramesh", occurred_on=day),
        entry("wamid.A#2", "200", "Ramesh", category=Category.PAYMENT),
        entry("wamid.A#3", "900", "Suresh"),
        entry("wamid.A#4", "50", "Mohan", category=Category.PAYMENT),
        entry("wamid.A#5", "10", "Ramesh", currency="USD"),
        entry("wamid.A#6", "75.25", None, category=Category.SALE),
        entry("wamid.A#7", "24.75", None, category=Category.SALE, occurred_on=day),
    )
    mine = books(one)
    customers = {customer.name: customer for customer in await mine.customers()}
    today = date(2026, 11, 21)
    ramesh = customers["Ramesh"]
    assert list(await mine.balance(ramesh.id)) == [
        Balance(customer=ramesh, currency="INR", amount=Decimal(300), last_entry_on=today),
        Balance(customer=ramesh, currency="USD", amount=Decimal(10), last_entry_on=today),
    ]
    assert [(owed.customer.name, owed.currency, owed.amount) for owed in await mine.debtors(10)] == [
        ("Suresh", "INR", Decimal(900)),
        ("Ramesh", "INR", Decimal(300)),
        ("Ramesh", "USD", Decimal(10)),
    ]
    assert len(await mine.debtors(1)) == 1
    assert list(await mine.totals(day, day)) == [
        CategoryTotal(category=Category.CREDIT, currency="INR", total=Decimal(500), count=1),
        CategoryTotal(category=Category.SALE, currency="INR", total=Decimal("24.75"), count=1),
    ]
    both = {(t.category, t.currency): (t.total, t.count) for t in await mine.totals(day, today)}
    assert both[Category.SALE, "INR"] == (Decimal(100), 2)
    assert both[Category.CREDIT, "USD"] == (Decimal(10), 1)


async def test_names_come_with_the_most_recently_used_first(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    for number, name in enumerate(("A", "B", "C", "A")):
        await one.say(f"wamid.{number}", entry(f"wamid.{number}#1", "1", name))
    found = await books(one).customers()
    assert [customer.name for customer in found] == ["A", "C", "B"]
    assert all(isinstance(customer, Customer) for customer in found)


async def test_spellings_are_learned_once_and_the_youngest_fifty_stay(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1"))
    (ramesh,) = await books(one).customers()
    learn = [LearnAlias(customer_id=ramesh.id, alias=f"r{number}") for number in range(55)]
    await one.say("wamid.B", *learn, learn[10], learn[10])
    (ramesh,) = await books(one).customers()
    assert ramesh.aliases == (*(f"r{n}" for n in range(5, 10)), *(f"r{n}" for n in range(11, 55)), "r10")


async def test_facts_are_kept_and_replaced(cells: Cells, admin: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", Remember(key="shop", value={"open": 9}), Remember(key="b", value={}))
    await one.say("wamid.B", Remember(key="shop", value={"open": 10}))
    rows = await admin.fetch("SELECT key, value FROM memory ORDER BY key")
    assert [(row["key"], orjson.loads(row["value"])) for row in rows] == [("b", {}), ("shop", {"open": 10})]


async def test_a_reply_leads_to_the_entries_it_answered(cells: Cells) -> None:
    """By the message itself, by the reply to it, by a later correction, and by the reply to that."""
    one = await talk(cells.pool, SHARMA)
    outbox = Outbox(cells.pool)

    async def answered(message_id: str, *effects: object) -> MessageID:
        done = await one.say(message_id, *effects, replies=(text("ok", reply_to=MessageID(message_id)),))  # type: ignore[arg-type]
        wamid = MessageID(f"wamid.out{done.outbox[0].id}")
        await outbox.apply_statuses([Status(SHARMA, wamid, "sent", now(), done.outbox[0].id)])
        return wamid

    first = await answered("wamid.A", entry("wamid.A#1"), entry("wamid.A#2"))
    # the "yes" to a question books an entry of the message that was asked about
    second = await answered("wamid.C", entry("wamid.B#1"))
    third = await answered("wamid.D", AmendEntry(ref="wamid.A#1", amount=Decimal(1), reason="correct"))
    for quoted, refs in (
        ("wamid.A", ["wamid.A#1", "wamid.A#2"]),
        (first, ["wamid.A#1", "wamid.A#2"]),
        ("wamid.B", ["wamid.B#1"]),
        ("wamid.C", ["wamid.B#1"]),
        (second, ["wamid.B#1"]),
        ("wamid.D", ["wamid.A#1"]),
        (third, ["wamid.A#1"]),
        ("wamid.unknown", []),
    ):
        found = await books(one).entries_of_message(MessageID(quoted))
        assert [each.ref for each in found] == refs, quoted
    await one.say("wamid.E", RemoveEntry(ref="wamid.A#1", reason="undo"))
    assert list(await books(one).entries_of_message(third)) == []


async def test_usage_counts_the_months_of_the_tenants_zone(cells: Cells, admin: asyncpg.Connection) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    began = datetime.now(zone).date().replace(day=1)
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1"), entry("wamid.A#2"))
    months = {began, datetime.now(zone).date().replace(day=1)}  # two, where it was written as one ended
    assert await admin.fetchval("SELECT month FROM usage") in months
    async with cells.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('munshi.tenant', $1, true)", SHARMA)
        # half past eight in the evening of 31 October by UTC is November in India
        await connection.execute(
            "SELECT count_usage($1, 'Asia/Kolkata', 1, $2, 1)",
            SHARMA,
            datetime(2020, 10, 31, 20, 30, tzinfo=UTC),
        )
        await connection.execute(
            "SELECT count_usage($1, 'Asia/Kolkata', 1, $2, 1)",
            SHARMA,
            datetime(2020, 10, 31, 18, 0, tzinfo=UTC),
        )
    rows = await admin.fetch(
        "SELECT month, transactions FROM usage WHERE month < '2021-01-01' ORDER BY month"
    )
    assert [tuple(row) for row in rows] == [(date(2020, 10, 1), 1), (date(2020, 11, 1), 1)]


@pytest.mark.parametrize(
    "bad",
    [
        {"op": "conjure"},
        {"op": "add_entry", "ref": "wamid.A#1", "amount": "-5", "category": "sale"},
        {"op": "add_entry", "ref": "wamid.A#1", "amount": "99999999999", "category": "sale"},
        {"op": "add_entry", "ref": "wamid.A#1", "amount": "5", "category": "gift"},
    ],
)
async def test_an_effect_that_cannot_be_is_refused_whole(
    cells: Cells, admin: asyncpg.Connection, bad: dict[str, str]
) -> None:
    class Raw:
        def model_dump(self) -> dict[str, str]:
            return {
                "description": "x",
                "currency": "INR",
                "source": "text",
                "occurred_on": "2026-11-21",
                **bad,
            }

    one = await talk(cells.pool, SHARMA)
    turn = await one.turn(message("wamid.A"), effects=(entry("wamid.A#0"), Raw()))
    with pytest.raises(Permanent):
        await one.commit(turn)
    for table in ("users", "inbound_messages", "transactions"):
        assert await admin.fetchval(f"SELECT count(*) FROM {table}") == 0


MONEY = st.decimals(min_value="0.01", max_value="100000", places=2)
STEP = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 5), MONEY, st.sampled_from(["credit", "payment", "sale"])),
    st.tuples(st.just("amend"), st.integers(0, 5), MONEY, st.sampled_from(["credit", "payment", "sale"])),
    st.tuples(st.just("remove"), st.integers(0, 5), MONEY, st.just("")),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=15), seed=st.integers(0, 10**9))
async def test_any_run_of_changes_agrees_with_plain_arithmetic(
    cells: Cells, steps: list[tuple[str, int, Decimal, str]], seed: int
) -> None:
    who = (identity(f"run {seed} {now().isoformat()}"),)
    one = await talk(cells.pool, SHARMA, who=who)
    await one.say(f"wamid.{who[0].hash.hex()}")
    model: dict[str, tuple[Decimal, str]] = {}
    for number, (step, slot, amount, category) in enumerate(steps):
        message_id = f"wamid.{who[0].hash.hex()}.{number}"
        ref = f"wamid.{who[0].hash.hex()}.slot{slot}#1"
        if step == "add" and ref not in model:
            await one.say(message_id, entry(ref, str(amount), "Ramesh", category=Category(category)))
            model[ref] = (amount, category)
        elif step == "amend" and ref in model:
            amend = AmendEntry(ref=ref, amount=amount, category=Category(category), reason="correct")
            await one.say(message_id, amend)
            model[ref] = (amount, category)
        elif step == "remove" and ref in model:
            await one.say(message_id, RemoveEntry(ref=ref, reason="undo"))
            del model[ref]
    signs = {"credit": 1, "payment": -1, "sale": 0}
    wanted = sum((amount * signs[category] for amount, category in model.values()), Decimal(0))
    customers = await books(one).customers()
    found = await books(one).balance(customers[0].id) if customers else []
    assert sum((owed.amount for owed in found), Decimal(0)) == wanted
    totals = await books(one).totals(date(2026, 11, 21), date(2026, 11, 21))
    assert sum(total.count for total in totals) == len(model)
    assert sum((total.total for total in totals), Decimal(0)) == sum(
        (a for a, _ in model.values()), Decimal(0)
    )
