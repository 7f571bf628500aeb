"""Questions about the books: totals, balances, who owes most."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from munshi.contracts.assistant import CategoryTotal, Customer
from munshi.contracts.understanding import Category, Intent, Understanding
from munshi_orchestrator.assistants.ledger import balances, money, words
from munshi_orchestrator.assistants.ledger.answer import Question, choices
from munshi_orchestrator.assistants.ledger.books import person_of
from munshi_orchestrator.assistants.ledger.days import period_of, show_day, show_period
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.names import Link, match, near
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.questions import BALANCE
from munshi_orchestrator.assistants.ledger.state import Person, Query, Topic

MOST_DEBTORS = 5
_ORDER = (Category.SALE, Category.CREDIT, Category.PAYMENT, Category.BUY, Category.EXPENSE)
_CAME = frozenset({Category.SALE, Category.PAYMENT})
_WENT = frozenset({Category.BUY, Category.EXPENSE})


def _asked(desk: Desk, query: Query) -> None:
    desk.state.topic, desk.state.query = Topic.QUERY, query


async def totals(desk: Desk, understanding: Understanding, intent: Intent) -> None:
    """Sums of a day or a period, by category."""
    first, last = _period(desk, understanding, intent)
    _asked(desk, Query.TOTALS)
    rows = await desk.books.totals(first, last)
    when = show_period(first, last, desk.today, desk.voice)
    when = f"{when[:1].upper()}{when[1:]}"
    wanted = words.category_asked_for(understanding.text)
    if wanted is not None:
        _one_category(desk, rows, wanted, when)
        return
    if not rows:
        desk.answer.add(desk.voice.say(Phrase.TOTAL_NONE, when=when))
        return
    desk.answer.add(desk.voice.say(Phrase.TOTAL_HEAD, when=when))
    for category in _ORDER:
        for row in rows:
            if row.category is category:
                desk.answer.add(
                    desk.voice.say(
                        Phrase.TOTAL_LINE,
                        category=_title(desk.voice.category(category)),
                        amount=money.show(row.total, row.currency),
                        count=row.count,
                    )
                )
    came, went = _flow(rows, _CAME), _flow(rows, _WENT)
    if (came or went) and len(rows) > 1:
        none = money.show(Decimal(0), desk.settings.currency)
        flow = {"came": money.show_all(came) or none, "went": money.show_all(went) or none}
        desk.answer.add(desk.voice.say(Phrase.TOTAL_FLOW, **flow))


def _one_category(desk: Desk, rows: Sequence[CategoryTotal], wanted: Category, when: str) -> None:
    of_it = [row for row in rows if row.category is wanted]
    word = desk.voice.category(wanted)
    if not of_it:
        desk.answer.add(desk.voice.say(Phrase.TOTAL_ONE_NONE, when=when, category=word))
        return
    amount = money.show_all({row.currency: row.total for row in of_it})
    count = sum(row.count for row in of_it)
    desk.answer.add(desk.voice.say(Phrase.TOTAL_ONE, when=when, category=word, amount=amount, count=count))


def _title(word: str) -> str:
    return f"{word[:1].upper()}{word[1:]}"


def _flow(rows: Sequence[CategoryTotal], categories: frozenset[Category]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.category in categories:
            sums[row.currency] += row.total
    return dict(sums)


def _period(desk: Desk, understanding: Understanding, intent: Intent) -> tuple[date, date]:
    """The days that are asked about; without any, today or this month so far."""
    named = period_of(understanding.entities.date)
    if named is not None:
        return named
    back = words.days_back(understanding.text)
    if back is not None:
        day = desk.today - timedelta(days=back)
        return day, day
    if intent is Intent.QUERY_TOTAL_PERIOD:
        return desk.today.replace(day=1), desk.today
    return desk.today, desk.today


async def balance(desk: Desk, understanding: Understanding) -> None:
    """What one customer owes; without a name, who owes most."""
    name = understanding.entities.customer_name
    if name is None and words.has_pronoun(understanding.text):
        name = desk.state.customer
    if name is None:
        await debtors(desk)
        return
    customers = await desk.books.customers()
    found = match(name, customers)
    _asked(desk, Query.BALANCE)
    if isinstance(found, Link):
        await _tell(desk, person_of(found.customer))
        return
    _suggest(desk, name, near(name, customers))


def _suggest(desk: Desk, name: str, candidates: Sequence[Customer]) -> None:
    known = [customer for customer in candidates if customer.id > 0]
    if not known:
        desk.answer.add(desk.voice.say(Phrase.BALANCE_UNKNOWN, name=name))
        return
    desk.answer.ask(
        Question(
            desk.voice.say(Phrase.BALANCE_SUGGEST, name=name),
            buttons=choices((f"{BALANCE}|{customer.id}", customer.name) for customer in known[:3]),
        )
    )


async def balance_of_id(desk: Desk, customer_id: int) -> None:
    """The balance of a customer whose name was tapped."""
    for customer in await desk.books.customers():
        if customer.id == customer_id:
            _asked(desk, Query.BALANCE)
            await _tell(desk, person_of(customer))
            return
    desk.answer.add(desk.voice.say(Phrase.STALE_UNKNOWN))


async def _tell(desk: Desk, person: Person) -> None:
    desk.state.customer = person.name
    held = await desk.books.balance(person)
    line = balances.in_words(desk, person.name, held.amounts)
    if held.last_on is not None and any(held.amounts.values()):
        day = show_day(held.last_on, desk.today, desk.voice)
        line = f"{line} {desk.voice.say(Phrase.BALANCE_LAST, day=day)}"
    desk.answer.add(line)


async def debtors(desk: Desk) -> None:
    """Who owes most."""
    _asked(desk, Query.DEBTORS)
    rows = await desk.books.debtors(MOST_DEBTORS)
    if not rows:
        desk.answer.add(desk.voice.say(Phrase.DEBTORS_NONE))
        return
    desk.answer.add(desk.voice.say(Phrase.DEBTORS_HEAD))
    for place, row in enumerate(rows, start=1):
        amount = money.show(row.amount, row.currency)
        desk.answer.add(
            desk.voice.say(Phrase.DEBTORS_LINE, place=place, name=row.customer.name, amount=amount)
        )
