"""Whatever is said, tapped, edited, deleted or quoted: turns end, books stay sound, replies are sendable."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from munshi.contracts.assistant import Reply, Said, SaidKind
from munshi.contracts.ids import MessageID
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import (
    Category,
    Entities,
    Intent,
    Language,
    Request,
    Script,
    Understanding,
)
from munshi_orchestrator.assistants import build

from .engine import real_engine
from .shop import Shop

NAMES = [
    "Ramesh",
    "ramesh bhai",
    "Ramsh",
    "रमेश",
    "Ankit",
    "Ankita",
    "Ramesh Kumar",
    "uska",
    "x" * 300,
    "🙂",
    "{name}",
]
TEXTS = [
    "haan",
    "nahi",
    "rehne do",
    "undo",
    "Ramesh",
    "aur kal?",
    "uska balance?",
    "kal ka tha",
    "Suresh nahi Ramesh",
    "",
]

amounts = st.one_of(
    st.none(),
    st.decimals(min_value="0.01", max_value="99999", places=2),
    st.sampled_from([Decimal(0), Decimal("0.004"), Decimal(-5), Decimal("1e11"), Decimal(60000)]),
)
texts = st.one_of(
    st.sampled_from(TEXTS), st.text(max_size=40), st.sampled_from(["अ" * 4000, "%s {x} \x00|#"])
)


def _entities() -> st.SearchStrategy[Entities]:
    return st.builds(
        Entities,
        amount=amounts,
        currency=st.sampled_from([None, "INR", "USD", "AED"]),
        customer_name=st.one_of(st.none(), st.sampled_from(NAMES)),
        category=st.one_of(st.none(), st.sampled_from(Category)),
        date=st.sampled_from([None, None, "2026-11-17", "2026-11-01/2026-11-15", "2027-01-01", "rubbish"]),
        invoice_no=st.sampled_from([None, "56"]),
    )


def _readings(further: st.SearchStrategy[tuple[Understanding, ...]]) -> st.SearchStrategy[Understanding]:
    return st.builds(
        Understanding,
        text=texts,
        intent=st.sampled_from(Intent),
        confidence=st.sampled_from([0.05, 0.3, 0.6, 0.99]),
        entities=_entities(),
        language=st.builds(
            Language,
            tag=st.sampled_from(["hi", "en", "ta"]),
            script=st.sampled_from(Script),
            confidence=st.just(0.9),
        ),
        further=further,
    )


readings = _readings(st.lists(_readings(st.just(())), max_size=3).map(tuple))
actions = st.tuples(
    st.sampled_from(
        ["text", "text", "text", "tap", "edit", "revoke", "quote", "quote_reply", "media", "wait"]
    ),
    st.integers(0, 99),
    readings,
)


class OneReading:
    """Gives the reading that the property drew."""

    def __init__(self) -> None:
        self.reading: Understanding | None = None

    async def understand(self, request: Request) -> Understanding:
        assert self.reading is not None
        return self.reading.model_copy(update={"text": request.text})


def message(shop: Shop, kind: str, pick: int, text: str) -> Said:
    """A message of a kind; `pick` chooses the earlier message or button that it is about."""
    earlier = MessageID(f"wamid.{pick % (shop._count + 1):03}")
    if kind == "tap" and shop.shown:
        choice = shop.shown[pick % len(shop.shown)]
        return shop.message(kind=SaidKind.BUTTON, text=choice.title, button_id=choice.id)
    if kind == "tap":
        return shop.message(
            kind=SaidKind.BUTTON, text="Haan", button_id=["yes|x", "bal|9", "||", "cat|x|y"][pick % 4]
        )
    if kind == "edit":
        return shop.message(kind=SaidKind.EDIT, text=text, original=earlier)
    if kind == "revoke":
        return shop.message(kind=SaidKind.REVOKE, original=earlier)
    if kind == "media":
        return shop.message(kind=SaidKind.UNREADABLE, media_type="image", text=text)
    quoted = {"quote": earlier, "quote_reply": MessageID(f"reply to {earlier}")}.get(kind)
    return shop.message(text=text, quoted=quoted)


def check(shop: Shop) -> None:
    """What holds after every turn. That effects fit the books was shown by applying them."""
    for row in shop.books.rows.values():
        assert Decimal("0.01") <= row.amount <= Decimal("9999999999.99")
        assert row.customer_name or row.category in (Category.SALE, Category.BUY, Category.EXPENSE)
        assert "\x00" not in row.description
    for reply in shop.replies:
        sendable(reply)


def sendable(reply: Reply) -> None:
    """Meta's limits that the contract does not check by itself."""
    assert reply.text.strip()
    assert len(reply.text) <= (1024 if reply.buttons or reply.rows else 4096)
    ids = [button.id for button in reply.buttons] + [row.id for row in reply.rows]
    titles = [button.title for button in reply.buttons] + [row.title for row in reply.rows]
    assert all(title.strip() for title in titles)
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles), "Meta refuses equal titles"
    assert bool(reply.rows) == bool(reply.list_label)


async def run(shop: Shop, steps: list[tuple[str, int, Any]], teach: Callable[[Any], str]) -> None:
    for kind, pick, drawn in steps:
        if kind == "wait":
            shop.now += timedelta(hours=pick)
            continue
        await shop.turn(message(shop, kind, pick, teach(drawn)))
        check(shop)


@given(st.lists(actions, max_size=25))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_no_talk_breaks_the_books(steps: list[tuple[str, int, Understanding]]) -> None:
    engine = OneReading()

    def teach(drawn: Understanding) -> str:
        engine.reading = drawn
        return drawn.text

    asyncio.run(run(Shop(build(AssistantKind.LEDGER, engine)), steps, teach))


PIECES = [
    "Ramesh", "ramesh bhai", "सुरेश", "ko", "ka", "ने", "500", "1,25,000", "₹99.50", "dhai sau", "पाँच सौ", "0",
    "udhaar", "jama", "बिक्री", "kharcha", "paid", "on credit", "nahi", "tha", "undo", "haan", "kal",
    "aaj ka total",
    "kitna baaki", "rehne do", ",", "aur", "?", "help", "99999999999999", "🙂", "is hafte", "who owes most",
    "Mahesh nahi Suresh",
]  # fmt: skip
spoken = st.tuples(
    st.sampled_from(["text", "text", "text", "tap", "edit", "revoke", "quote", "wait"]),
    st.integers(0, 99),
    st.lists(st.sampled_from(PIECES), max_size=7).map(" ".join),
)


@given(st.lists(spoken, max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_talk_breaks_the_books_with_the_real_engine(steps: list[tuple[str, int, str]]) -> None:
    asyncio.run(run(Shop(build(AssistantKind.LEDGER, real_engine())), steps, lambda text: text))


@given(st.lists(readings, max_size=6), st.sampled_from(Category), st.decimals("0.01", "50000", places=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_undo_restores_the_books(before: list[Understanding], category: Category, amount: Decimal) -> None:
    engine = OneReading()
    shop = Shop(build(AssistantKind.LEDGER, engine))

    async def talk() -> None:
        for drawn in before:
            engine.reading = drawn.model_copy(update={"intent": Intent.ADD_TRANSACTION})
            await shop.say("something")
        shop.state = {}
        books, owed = dict(shop.books.rows), await shop.books.debtors(99)
        entities = Entities(amount=amount, customer_name="Zubeida", category=category)
        engine.reading = Understanding(
            text="x", intent=Intent.ADD_TRANSACTION, confidence=0.9, entities=entities
        )
        await shop.say("Zubeida …")
        assert len(shop.books.rows) == len(books) + 1
        engine.reading = Understanding(text="undo", intent=Intent.UNDO, confidence=0.9)
        await shop.say("undo")
        assert shop.books.rows == books
        assert await shop.books.debtors(99) == owed

    asyncio.run(talk())
