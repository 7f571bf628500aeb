"""What any books must do: one suite for PostgreSQL's and for those in memory.

A test class inherits `BooksContract` and gives a fixture `bench`: empty books of one person.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import pytest

from munshi.contracts.assistant import (
    AddEntry,
    AmendEntry,
    Effect,
    LearnAlias,
    LedgerReader,
    RemoveEntry,
    Source,
)
from munshi.contracts.ids import MessageID
from munshi.contracts.understanding import Category

DAY = date(2026, 11, 20)
LATER = date(2026, 11, 21)


class Bench(Protocol):
    """One person's books, and a way to write turns into them."""

    def reader(self) -> LedgerReader:
        """The books as the next turn finds them."""
        ...

    async def turn(self, messages: Sequence[str], *effects: Effect) -> MessageID:
        """Writes a turn made of these messages; the id of the reply that answered it.

        Raises:
            Refused: an effect does not fit the books; nothing of the turn was written.
        """
        ...


class Refused(Exception):
    """The books are not as the turn saw them."""


def add(ref: str, amount: str, customer: str | None = "Ramesh", **changes: Any) -> AddEntry:
    """An entry given on account."""
    given = {
        "ref": ref,
        "customer_name": customer,
        "description": "maal",
        "amount": Decimal(amount),
        "currency": "INR",
        "category": Category.CREDIT,
        "source": Source.TEXT,
        "occurred_on": DAY,
    }
    return AddEntry.model_validate({**given, **changes})


async def refs(books: LedgerReader, message: str) -> list[str]:
    """Entries of a message."""
    return [entry.ref for entry in await books.entries_of_message(MessageID(message))]


async def names(books: LedgerReader) -> list[str]:
    """Customers, the most recently used first."""
    return [customer.name for customer in await books.customers()]


async def owed(books: LedgerReader, name: str) -> dict[str, tuple[Decimal, date | None]]:
    """A customer's balances."""
    (customer,) = [one for one in await books.customers() if one.name == name]
    return {row.currency: (row.amount, row.last_entry_on) for row in await books.balance(customer.id)}


class BooksContract:
    """The suite."""

    async def test_empty_books_say_so(self, bench: Bench) -> None:
        books = bench.reader()
        assert list(await books.customers()) == []
        assert await books.last_entry() is None
        assert list(await books.debtors(5)) == []
        assert list(await books.totals(DAY, LATER)) == []
        assert list(await books.balance(1)) == []
        assert await refs(books, "A") == []

    async def test_an_entry_is_read_back_whole(self, bench: Bench) -> None:
        await bench.turn(["A"], add("A#1", "500.50", category=Category.PAYMENT, description="jama"))
        entry = await bench.reader().last_entry()
        assert entry is not None
        assert (entry.ref, entry.customer_name, entry.amount) == ("A#1", "Ramesh", Decimal("500.50"))
        assert (entry.category, entry.currency, entry.occurred_on) == (Category.PAYMENT, "INR", DAY)
        assert entry.description == "jama"
        assert entry.created_at.tzinfo is not None

    async def test_names_come_most_recently_used_first(self, bench: Bench) -> None:
        await bench.turn(["A"], add("A#1", "1", "Ramesh"))
        await bench.turn(["B"], add("B#1", "1", "Suresh"))
        await bench.turn(["C"], add("C#1", "1", "Mahesh"))
        assert await names(bench.reader()) == ["Mahesh", "Suresh", "Ramesh"]
        suresh = (await bench.reader().customers())[1]
        await bench.turn(["D"], add("D#1", "1", None, customer_id=suresh.id))
        assert await names(bench.reader()) == ["Suresh", "Mahesh", "Ramesh"]
        await bench.turn(["E"], AmendEntry(ref="B#1", customer_name="Ramesh", reason="correct"))
        assert await names(bench.reader()) == ["Ramesh", "Suresh", "Mahesh"]

    async def test_one_name_in_other_case_and_spaces_is_one_customer(self, bench: Bench) -> None:
        spellings = ["Ramesh Kumar", "ramesh  kumar", " RAMESH KUMAR ", "Re\u0301my", "R\u00e9my"]
        await bench.turn(["A"], *(add(f"A#{n}", "1", name) for n, name in enumerate(spellings, start=1)))
        assert sorted(await names(bench.reader())) == ["Ramesh Kumar", "Re\u0301my"]

    async def test_balances_are_credit_less_payment_by_currency(self, bench: Bench) -> None:
        await bench.turn(
            ["A"],
            add("A#1", "500"),
            add("A#2", "120.25", category=Category.PAYMENT, occurred_on=LATER),
            add("A#3", "70", category=Category.SALE),
            add("A#4", "30", currency="USD", category=Category.PAYMENT),
            add("A#5", "9", "Suresh"),
        )
        assert await owed(bench.reader(), "Ramesh") == {
            "INR": (Decimal("379.75"), LATER),
            "USD": (Decimal(-30), DAY),
        }

    async def test_who_only_bought_for_cash_has_no_balance(self, bench: Bench) -> None:
        await bench.turn(["A"], add("A#1", "70", category=Category.SALE))
        assert await owed(bench.reader(), "Ramesh") == {}

    async def test_debtors_are_who_owes_most(self, bench: Bench) -> None:
        await bench.turn(
            ["A"],
            add("A#1", "100", "Ramesh"),
            add("A#2", "300", "Suresh"),
            add("A#3", "200", "Mahesh"),
            add("A#4", "50", "Paid"),
            add("A#5", "50", "Paid", category=Category.PAYMENT),
            add("A#6", "5", "Ahead", category=Category.PAYMENT),
        )
        rows = await bench.reader().debtors(2)
        assert [(row.customer.name, row.amount) for row in rows] == [
            ("Suresh", Decimal(300)),
            ("Mahesh", Decimal(200)),
        ]
        assert len(await bench.reader().debtors(10)) == 3

    async def test_totals_take_both_ends_of_the_period(self, bench: Bench) -> None:
        await bench.turn(
            ["A"],
            add("A#1", "100", category=Category.SALE),
            add("A#2", "20.10", category=Category.SALE, occurred_on=LATER),
            add("A#3", "7", category=Category.EXPENSE, customer=None),
            add("A#4", "3", category=Category.SALE, currency="USD"),
        )

        async def totals(first: date, last: date) -> set[tuple[str, str, Decimal, int]]:
            rows = await bench.reader().totals(first, last)
            return {(row.category.value, row.currency, row.total, row.count) for row in rows}

        expense, usd = ("expense", "INR", Decimal(7), 1), ("sale", "USD", Decimal(3), 1)
        assert await totals(DAY, LATER) == {("sale", "INR", Decimal("120.10"), 2), expense, usd}
        assert await totals(DAY, DAY) == {("sale", "INR", Decimal(100), 1), expense, usd}
        assert await totals(LATER, LATER) == {("sale", "INR", Decimal("20.10"), 1)}

    async def test_a_correction_changes_in_place(self, bench: Bench) -> None:
        await bench.turn(["A"], add("A#1", "500"), add("A#2", "1", "Suresh"))
        change = AmendEntry(
            ref="A#1", amount=Decimal(600), category=Category.PAYMENT, occurred_on=LATER, reason="correct"
        )
        await bench.turn(["B"], change)
        first, second = await bench.reader().entries_of_message(MessageID("A"))
        assert (first.ref, first.amount, first.category) == ("A#1", Decimal(600), Category.PAYMENT)
        assert (first.occurred_on, first.customer_name) == (LATER, "Ramesh")
        assert second.amount == Decimal(1)
        last = await bench.reader().last_entry()
        assert last is not None
        assert last.ref == "A#2"

    async def test_what_is_taken_back_is_gone(self, bench: Bench) -> None:
        await bench.turn(["A"], add("A#1", "500"), add("A#2", "70"))
        await bench.turn(["B"], RemoveEntry(ref="A#2", reason="undo"))
        assert await refs(bench.reader(), "A") == ["A#1"]
        assert await refs(bench.reader(), "B") == []
        assert await owed(bench.reader(), "Ramesh") == {"INR": (Decimal(500), DAY)}

    async def test_entries_are_found_by_their_message_its_corrections_and_our_replies(
        self, bench: Bench
    ) -> None:
        booked = await bench.turn(["A"], add("A#1", "500"))
        other = await bench.turn(["B"], add("B#1", "70"))
        corrected = await bench.turn(["C"], AmendEntry(ref="A#1", amount=Decimal(600), reason="correct"))
        books = bench.reader()
        assert await refs(books, "A") == await refs(books, booked) == ["A#1"]
        assert await refs(books, "B") == await refs(books, other) == ["B#1"]
        assert await refs(books, "C") == await refs(books, corrected) == ["A#1"]

    async def test_the_answer_to_several_messages_answers_each(self, bench: Bench) -> None:
        reply = await bench.turn(["A", "B"], add("A#1", "500"), add("B#1", "70"))
        assert await refs(bench.reader(), reply) == ["A#1", "B#1"]

    async def test_an_entry_says_how_it_came_in(self, bench: Bench) -> None:
        metadata = {"invoice_no": "17", "tax": "5.00"}
        await bench.turn(["A"], add("A#1", "500", source=Source.VOICE, metadata=metadata))
        origin = await bench.reader().origin("A#1")
        assert origin is not None
        assert (origin.source, origin.metadata, origin.of) == (Source.VOICE, metadata, None)
        await bench.turn(["B"], RemoveEntry(ref="A#1", reason="undo"))
        assert await bench.reader().origin("A#1") is None
        assert await bench.reader().origin("A#2") is None

    async def test_another_spelling_is_learnt_once(self, bench: Bench) -> None:
        await bench.turn(["A"], add("A#1", "500"))
        (ramesh,) = await bench.reader().customers()
        await bench.turn(["B"], LearnAlias(customer_id=ramesh.id, alias="Rammu"))
        await bench.turn(["C"], LearnAlias(customer_id=ramesh.id, alias="Ramu"))
        await bench.turn(["D"], LearnAlias(customer_id=ramesh.id, alias="Rammu"))
        (ramesh,) = await bench.reader().customers()
        assert ramesh.aliases == ("Ramu", "Rammu")

    @pytest.mark.parametrize(
        "effect",
        [
            AmendEntry(ref="Z#1", amount=Decimal(1), reason="correct"),
            RemoveEntry(ref="Z#1", reason="undo"),
            LearnAlias(customer_id=999_999, alias="Ramu"),
            add("B#2", "1", None, customer_id=999_999),
        ],
        ids=lambda effect: effect.op,
    )
    async def test_an_effect_on_what_is_not_there_writes_nothing_of_its_turn(
        self, bench: Bench, effect: Effect
    ) -> None:
        await bench.turn(["A"], add("A#1", "500"))
        with pytest.raises(Refused):
            await bench.turn(["B"], add("B#1", "70", "Suresh"), effect)
        assert await names(bench.reader()) == ["Ramesh"]
        assert await refs(bench.reader(), "B") == []
