"""Answers to the Ledger's own questions: taps on buttons, and the same things typed."""

from collections.abc import Awaitable, Callable

from munshi.contracts.understanding import Category, Intent, Understanding
from munshi_orchestrator.assistants.ledger import corrections, entries, queries, questions, receipts, words
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.names import Link, match
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import Asked, Draft, Op, Person, Settled
from munshi_orchestrator.assistants.ledger.understand import ENTRIES, QUERIES

_NO_ANSWER = QUERIES | {Intent.UNDO, Intent.HELP, Intent.GREET}


async def tapped(desk: Desk, button_id: str) -> None:
    """A tap on a button or a row. A second tap, or one under an old question, changes nothing."""
    kind, _, rest = button_id.partition("|")
    if kind == questions.BALANCE and rest.isdecimal():
        await queries.balance_of_id(desk, int(rest))
        return
    value, _, draft_id = rest.rpartition("|")
    draft = next((waiting for waiting in desk.state.drafts if waiting.id == draft_id), None)
    if draft is None:
        desk.answer.add(desk.voice.say(_stale(desk, draft_id)))
        return
    if await _apply_tap(desk, draft, kind, value):
        await questions.advance(desk)
    else:
        desk.answer.add(desk.voice.say(Phrase.STALE_UNKNOWN))
        await questions.advance(desk)


def _stale(desk: Desk, draft_id: str) -> Phrase:
    how = desk.state.settled.get(draft_id)
    if how is None:
        return Phrase.STALE_UNKNOWN
    return Phrase.STALE_DONE if how is Settled.DONE else Phrase.STALE_DROPPED


async def _apply_tap(desk: Desk, draft: Draft, kind: str, value: str) -> bool:
    current = value == str(draft.revision) and draft.asked is Asked.CONFIRM
    if kind == questions.YES and current:
        draft.sure = True
    elif kind == questions.NO and current:
        drop(desk, draft)
    elif kind == questions.OTHERWISE and current and draft.receipt is not None:
        draft.changing = True
    elif kind == questions.CATEGORY and draft.asked is Asked.CATEGORY and value in set(Category):
        _belongs(draft, Category(value))
        draft.doubtful = False
    elif draft.asked is Asked.SAME and kind == questions.NEW:
        _is_new(draft)
    elif draft.asked is Asked.SAME and kind == questions.PICK and value in {"0", "1", "2"}:
        place = int(value)
        if place >= len(draft.choices):
            return False
        await _is(desk, draft, draft.choices[place])
    else:
        return False
    return True


def _belongs(draft: Draft, category: Category) -> None:
    """Chosen; a button under what was shown before confirms nothing any more."""
    draft.category = category
    if draft.changing:
        draft.changing = False
        draft.revision += 1


def drop(desk: Desk, draft: Draft) -> None:
    """Lets a draft go and says so."""
    desk.state.settle(draft, Settled.DROPPED)
    if draft.op is Op.ADD and draft.amount is not None:
        desk.answer.add(desk.voice.say(Phrase.DROPPED_ENTRY, entry=entries.draft_text(desk, draft)))
    elif draft.op is Op.ADD:
        desk.answer.add(desk.voice.say(Phrase.DROPPED))
    else:
        desk.answer.add(desk.voice.say(Phrase.UNCHANGED))


async def answer(desk: Desk, understanding: Understanding) -> bool:
    """Takes a typed message as the answer to the question that waits, if it is one."""
    head = desk.state.drafts[0]
    text = desk.said.text
    if words.is_drop(text):
        drop(desk, head)
    elif head.receipt is not None and receipts.amend(desk, head, understanding):
        pass
    elif entries.is_another(head, understanding) or not await _answers(desk, head, understanding):
        return False
    await questions.advance(desk)
    return True


async def _answers(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    take = _TAKES.get(head.asked) if head.asked else None
    return take is not None and await take(desk, head, understanding)


async def _yes_or_no(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    text = desk.said.text
    if words.is_yes(text):
        head.sure = True
    elif words.is_no(text):
        drop(desk, head)
    elif understanding.intent is Intent.CLARIFY and understanding.entities.amount is not None:
        return corrections.patch(desk, head, understanding)  # "600", under a question that shows 500
    else:
        return False
    return True


async def _same_or_new(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    text = desk.said.text
    if words.is_no(text) or words.says_new(text):
        _is_new(head)
        return True
    if words.is_yes(text):
        if len(head.choices) > 1:
            return False  # yes to which of them?
        await _is(desk, head, head.choices[0])
        return True
    return understanding.intent not in _NO_ANSWER and await _named(desk, head, understanding)


async def _named(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    """A name instead of yes or no: one of the choices, or another one altogether."""
    named = understanding.entities.customer_name or words.bare_name(desk.said.text)
    if not named:
        return False
    found = match(named, await desk.books.customers())
    if isinstance(found, Link):
        for choice in head.choices:
            if choice.name == found.customer.name:
                await _is(desk, head, choice)
                return True
    head.name, head.person, head.choices = named, None, ()
    head.revision += 1
    return True


def _is_new(draft: Draft) -> None:
    assert draft.name is not None  # noqa: S101  # only asked about a name
    draft.person = Person(name=draft.name)
    draft.doubtful = False


async def _is(desk: Desk, draft: Draft, chosen: Person) -> None:
    draft.person = await entries.known(desk, chosen)
    draft.doubtful = False
    if draft.name is not None:
        desk.books.learn(draft.person, draft.name)


async def _amount(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    entities = understanding.entities
    if entities.amount is None or understanding.intent in _NO_ANSWER:
        return False
    if entries.set_amount(desk, head, entities.amount):
        head.currency = entities.currency or head.currency
        _fill_rest(head, understanding)
    return True


async def _category(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    if understanding.intent in _NO_ANSWER:
        return False
    named = words.category_of(desk.said.text) or understanding.entities.category
    if named is None:
        return False
    _belongs(head, named)
    _fill_rest(head, understanding)
    return True


async def _customer(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    if understanding.intent in _NO_ANSWER | {Intent.CORRECT}:
        return False
    name = entries.name_from_answer(desk, understanding)
    if name is None:
        return False
    head.name = name
    _fill_rest(head, understanding)
    return True


def _fill_rest(head: Draft, understanding: Understanding) -> None:
    """What else the answer told. Having seen the question, the person stands by the rest of it."""
    head.doubtful = False
    entities = understanding.entities
    head.name = head.name or entities.customer_name
    if head.category is None and understanding.intent in ENTRIES:
        head.category = entities.category


async def _change(desk: Desk, head: Draft, understanding: Understanding) -> bool:
    return corrections.patch(desk, head, understanding)


_TAKES: dict[Asked, Callable[[Desk, Draft, Understanding], Awaitable[bool]]] = {
    Asked.CONFIRM: _yes_or_no,
    Asked.SAME: _same_or_new,
    Asked.AMOUNT: _amount,
    Asked.CATEGORY: _category,
    Asked.CUSTOMER: _customer,
    Asked.CHANGE: _change,
}
