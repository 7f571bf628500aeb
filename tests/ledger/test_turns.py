"""Turns: quota, patience, kept state, days of the tenant's zone, language, several messages at once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from munshi.contracts.assistant import Said, SaidKind
from munshi.contracts.ids import MessageID
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import Language, Script
from munshi_orchestrator.assistants import NotAvailableError, build

from .scripted import Scripted, reading
from .shop import Shop, spec


@pytest.fixture
def engine() -> Scripted:
    """Readings of a few messages that the tests use."""
    scripted = Scripted()
    rows: dict[str, dict[str, Any]] = {
        "Ramesh 500 udhaar": {"amount": 500, "name": "Ramesh", "category": "credit"},
        "Ramesh 200 jama": {"amount": 200, "name": "Ramesh", "category": "payment"},
        "500 udhaar": {"amount": 500, "category": "credit"},
        "Ramesh": {"intent": "clarify", "name": "Ramesh", "lang": "unsure"},
        "Ramesh ka baaki": {"intent": "balance", "name": "Ramesh"},
        "nahi 600 tha": {"intent": "correct", "amount": 600},
        "undo": {"intent": "undo", "lang": "en"},
        "hello": {"intent": "greet", "lang": "en"},
        "नमस्ते": {"intent": "greet", "lang": "hi"},
        "aaj ka total": {"intent": "day"},
        "aur kal?": {"intent": "clarify", "confidence": 0.2},
        "ok": {"intent": "clarify", "lang": "unsure"},
    }
    scripted.table = {text: reading(text, row, "hinglish") for text, row in rows.items()}
    return scripted


@pytest.fixture
def shop(engine: Scripted) -> Shop:
    return Shop(build(AssistantKind.LEDGER, engine))


async def test_the_quota_books_nothing_and_is_told_once_an_hour(shop: Shop) -> None:
    shop.spec = spec(limits={"transactionsPerMonth": 3})
    shop.booked_this_month = 2
    assert "Likh liya" in await shop.say("Ramesh 500 udhaar")
    assert "seema poori" in await shop.say("Ramesh 200 jama")
    assert await shop.say("Ramesh 200 jama") == ""
    assert "₹500 baaki" in await shop.say("Ramesh ka baaki")
    assert "₹600" in await shop.say("nahi 600 tha"), "corrections go on"
    shop.now += timedelta(minutes=61)
    assert "seema poori" in await shop.say("Ramesh 200 jama")
    assert shop.live() == [("Ramesh", "600.00", "credit")]


async def test_the_quota_counts_entries_of_the_same_turn(shop: Shop) -> None:
    shop.spec = spec(limits={"transactionsPerMonth": 1})
    await shop.turn(shop.message(text="Ramesh 500 udhaar"), shop.message(text="Ramesh 200 jama"))
    assert shop.live() == [("Ramesh", "500.00", "credit")]


async def test_a_question_waits_for_days_but_not_for_ever(shop: Shop) -> None:
    await shop.say("500 udhaar")
    shop.now += timedelta(days=2)
    assert "Likh liya" in await shop.say("Ramesh")
    await shop.say("500 udhaar")
    shop.now += timedelta(days=4)
    assert "Ramesh ka kya?" in await shop.say("Ramesh")
    assert len(shop.live()) == 1


@pytest.mark.parametrize(
    "state",
    [
        {"v": 2, "drafts": "new"},
        {"v": 0},
        {"anything": [1]},
        {"v": 1, "drafts": [{"id": 3}]},
        {"v": 1, "more": 1},
    ],
)
async def test_unknown_state_starts_fresh(shop: Shop, state: dict[str, Any]) -> None:
    shop.state = state
    assert "Likh liya" in await shop.say("Ramesh 500 udhaar")
    assert shop.state["v"] == 1


async def test_state_stays_small(shop: Shop) -> None:
    for _ in range(60):
        await shop.say("500 udhaar")
        await shop.say("Ramesh")
        await shop.say("nahi 600 tha")
        await shop.say("undo")
    assert len(str(shop.state)) < 6_000


async def test_days_are_the_tenants(shop: Shop) -> None:
    shop.now = datetime(2026, 11, 18, 20, 0, tzinfo=UTC)  # 1:30 on the 19th in India
    await shop.say("Ramesh 500 udhaar")
    assert [row.occurred_on for row in shop.books.rows.values()] == [date(2026, 11, 19)]
    assert "Udhaar: ₹500" in await shop.say("aaj ka total")
    shop.spec = spec(timeZone="America/New_York")  # still the 18th there
    assert "koi entry nahi" in await shop.say("aaj ka total")


async def test_the_day_is_that_of_writing_not_of_answering(shop: Shop, engine: Scripted) -> None:
    late = shop.message(text="Ramesh 500 udhaar")
    shop.now += timedelta(days=2)
    await shop.turn(late)
    assert engine.asked[0].today == date(2026, 11, 18)
    assert [row.occurred_on for row in shop.books.rows.values()] == [date(2026, 11, 18)]


async def test_queries_are_remembered_overnight(shop: Shop) -> None:
    await shop.say("Ramesh 500 udhaar")
    await shop.say("aaj ka total")
    shop.now += timedelta(days=1)
    assert "Udhaar: ₹500" in await shop.say("aur kal?")


async def test_several_messages_of_a_turn_see_each_other_and_each_is_quoted(shop: Shop) -> None:
    texts = (
        "Ramesh 500 udhaar",
        "Ramesh 200 jama",
        "nahi 600 tha",
        "Ramesh ka baaki",
        "undo",
        "Ramesh ka baaki",
    )
    said = [shop.message(text=text) for text in texts]
    await shop.turn(*said)
    assert [reply.quotes for reply in shop.replies] == [one.message_id for one in said]
    told = [reply.text for reply in shop.replies]
    assert "Ab Ramesh ka baaki: ₹300." in told[1]
    assert "₹600 jama" in told[2]
    assert "Ramesh ka ₹100 advance" in told[3]
    assert "Wapas le liya ↩️ Ramesh — ₹600 jama" in told[4]
    assert "Ramesh ka ₹500 baaki" in told[5]
    assert shop.live() == [("Ramesh", "500.00", "credit")]


async def test_a_second_undo_in_one_turn_says_to_ask_again(shop: Shop) -> None:
    await shop.say("Ramesh 500 udhaar")
    await shop.say("Ramesh 200 jama")
    said = await shop.turn(shop.message(text="undo"), shop.message(text="undo"))
    assert "Ek baar mein ek hi" in said
    assert shop.live() == [("Ramesh", "500.00", "credit")]


async def test_words_of_every_language_keep_the_language(shop: Shop) -> None:
    await shop.say("नमस्ते")
    assert "नमस्ते" in await shop.say("hello")
    assert shop.language is not None
    assert (shop.language.tag, shop.language.script) == ("hi", Script.DEVANAGARI)
    assert "Likh liya" in await shop.say("Ramesh 500 udhaar"), "a whole sentence changes it"
    assert "Abhi koi sawaal" in await shop.say("ok")


@pytest.mark.parametrize(
    ("languages", "answer"),
    [(["en"], "What about Ramesh"), (["hi"], "Ramesh ka kya"), (["ta", "hi"], "Ramesh ka kya")],
)
async def test_an_unsure_first_message_is_answered_in_the_tenants_language(
    shop: Shop, languages: list[str], answer: str
) -> None:
    shop.spec = spec(languages=languages)
    assert answer in await shop.say("Ramesh")


async def test_a_person_is_greeted_by_name(shop: Shop) -> None:
    shop.person_name = "Sharma ji"
    assert "Hello Sharma ji" in await shop.say("hello")


async def test_a_button_tap_keeps_the_language(shop: Shop) -> None:
    shop.language = Language(tag="en", script=Script.LATIN, confidence=0.9)
    tapped = Said(
        message_id=MessageID("wamid.tap"),
        kind=SaidKind.BUTTON,
        at=shop.now,
        text="Haan",
        button_id="yes|0|gone#1",
    )
    assert "too old" in await shop.turn(tapped)


@pytest.mark.parametrize("length", [60, 150, 400])
async def test_ids_of_any_length_fit_into_buttons(shop: Shop, engine: Scripted, length: int) -> None:
    row = {"amount": 60_000, "name": "Ramesh", "category": "credit"}
    engine.table["big"] = reading("big", row, "hinglish")
    await shop.turn(shop.message(text="big", message_id=MessageID("w" * length)))
    await shop.tap(0)
    assert shop.live() == [("Ramesh", "60000.00", "credit")]


async def test_entries_carry_what_the_books_need(shop: Shop, engine: Scripted) -> None:
    row = {"intent": "receipt", "amount": "99.5", "category": "buy", "invoice_no": "56", "date": "2026-11-02"}
    engine.table["bill\x00 56\u200b "] = reading("bill\x00 56\u200b ", row, "en")
    await shop.say("bill\x00 56\u200b ")
    assert shop.outcome is not None
    (effect,) = shop.outcome.effects
    assert effect.model_dump(mode="json") == {
        "op": "add_entry", "ref": "wamid.001#2", "customer_id": None, "customer_name": None,
        "description": "bill 56", "amount": "99.50", "currency": "INR", "category": "buy", "source": "text",
        "occurred_on": "2026-11-02", "metadata": {"invoice_no": "56"},
        "of": None,
    }  # fmt: skip


async def test_the_reader_is_asked_little(shop: Shop) -> None:
    await shop.say("Ramesh 500 udhaar")
    before = shop.books.calls
    await shop.say("Ramesh 200 jama")
    assert shop.books.calls - before == 2, "names and one balance"
    await shop.say("Ramesh ka baaki")
    assert shop.books.calls - before == 4


async def test_the_same_input_has_the_same_outcome(engine: Scripted) -> None:
    outcomes = []
    for _ in range(2):
        shop = Shop(build(AssistantKind.LEDGER, engine))
        await shop.say("Ramesh 500 udhaar")
        await shop.say("500 udhaar")
        outcomes.append(shop.outcome)
    assert outcomes[0] == outcomes[1]


async def test_balances_are_exact(shop: Shop, engine: Scripted) -> None:
    engine.table["0.1"] = reading("0.1", {"amount": "0.1", "name": "R", "category": "credit"}, "en")
    for _ in range(3):
        await shop.say("0.1")
    (balance,) = await shop.books.balance(1)
    assert balance.amount == Decimal("0.30")


def test_assistants_to_come_are_refused_clearly(engine: Scripted) -> None:
    with pytest.raises(NotAvailableError, match="Concierge is not available yet"):
        build(AssistantKind.CONCIERGE, engine)
