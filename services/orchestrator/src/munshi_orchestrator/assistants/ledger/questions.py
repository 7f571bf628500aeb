"""What a draft still lacks, the one question that is asked next, and what happens when nothing is lacking."""

from collections.abc import Awaitable, Callable

from munshi.contracts.assistant import Entry
from munshi.contracts.understanding import Category
from munshi_orchestrator.assistants.ledger import amendments, entries
from munshi_orchestrator.assistants.ledger.answer import Question, button, choices, row
from munshi_orchestrator.assistants.ledger.books import person_of
from munshi_orchestrator.assistants.ledger.desk import ON_ACCOUNT, Desk
from munshi_orchestrator.assistants.ledger.money import Trouble, show
from munshi_orchestrator.assistants.ledger.names import Ask, Link, match
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.receipt_view import asking
from munshi_orchestrator.assistants.ledger.state import Asked, Draft, Op, Person, Topic

YES, NO, OTHERWISE, PICK, NEW, CATEGORY, BALANCE = "yes", "no", "else", "pick", "new", "cat", "bal"
"""First part of a button's id; the draft's id is the last."""

_ROWS = {
    Category.SALE: Phrase.ROW_SALE,
    Category.CREDIT: Phrase.ROW_CREDIT,
    Category.PAYMENT: Phrase.ROW_PAYMENT,
    Category.BUY: Phrase.ROW_BUY,
    Category.EXPENSE: Phrase.ROW_EXPENSE,
}
_WITH_NAME = {
    Category.CREDIT: Phrase.BUTTON_CREDIT,
    Category.PAYMENT: Phrase.BUTTON_PAYMENT,
    Category.BUY: Phrase.BUTTON_BUY,
}


async def advance(desk: Desk) -> None:
    """Settles every draft that lacks nothing and asks the first one that lacks something."""
    booked: list[Entry] = []
    for draft in list(desk.state.drafts):
        asked = await _lacks(desk, draft)
        if asked is not None:
            draft.asked = asked
        elif draft.op is Op.ADD:
            entry = await entries.book(desk, draft)
            booked += [entry] if entry else []
        else:
            await amendments.apply(desk, draft)
    await entries.report(desk, booked)
    if desk.state.drafts:
        await _ask(desk, desk.state.drafts[0])


async def _ask(desk: Desk, head: Draft) -> None:
    desk.state.topic = Topic.ELSE  # a short message now answers the question, and leans on nothing else
    for draft in desk.state.drafts:
        draft.asked_at = draft.asked_at or desk.given.now
    question = await _question(desk, head)
    if desk.answer.lines and head.message_id != desk.said.message_id:
        question.text = desk.voice.say(Phrase.STILL_OPEN, question=question.text)
    desk.answer.ask(question)


async def _lacks(desk: Desk, draft: Draft) -> Asked | None:
    if draft.op is Op.REMOVE:
        return None if draft.sure else Asked.CONFIRM
    open_field = _open_field(draft)
    if open_field is not None:
        return open_field
    if draft.name is None and draft.category in ON_ACCOUNT and not await _has_customer(desk, draft):
        return Asked.CUSTOMER
    if draft.name is not None and draft.person is None and not await _recognised(desk, draft):
        return Asked.SAME
    return None if draft.sure or not _needs_word(desk, draft) else Asked.CONFIRM


def _open_field(draft: Draft) -> Asked | None:
    if draft.op is Op.AMEND:
        return None if amendments.changes_anything(draft) else Asked.CHANGE
    if draft.amount is None:
        return Asked.AMOUNT
    return Asked.CATEGORY if draft.category is None or draft.changing else None


async def _has_customer(desk: Desk, draft: Draft) -> bool:
    if draft.op is not Op.AMEND:
        return False
    entry = await desk.books.entry(draft.targets[0])
    return entry is None or entry.customer_name is not None


def _needs_word(desk: Desk, draft: Draft) -> bool:
    large = draft.amount is not None and draft.amount > desk.settings.confirm_above_amount
    future = draft.day is not None and draft.day > desk.today
    return large or future or draft.doubtful or draft.receipt is not None


async def _recognised(desk: Desk, draft: Draft) -> bool:
    assert draft.name is not None  # noqa: S101  # asked only for a name
    found = match(draft.name, await desk.books.customers())
    if isinstance(found, Ask):
        draft.choices = tuple(person_of(candidate) for candidate in found.candidates)
        return False
    draft.person = person_of(found.customer) if isinstance(found, Link) else Person(name=draft.name)
    return True


async def _question(desk: Desk, draft: Draft) -> Question:
    assert draft.asked is not None  # noqa: S101  # set by advance() for every draft that stays
    return await _ASKS[draft.asked](desk, draft)


async def _ask_amount(desk: Desk, draft: Draft) -> Question:
    trouble = desk.troubles.get(draft.id)
    if trouble is not None:
        phrase = Phrase.AMOUNT_ZERO if trouble is Trouble.ZERO else Phrase.AMOUNT_TOO_LARGE
        return Question(desk.voice.say(phrase))
    if draft.receipt is not None:
        return Question(await asking(desk, draft, desk.voice.say(Phrase.RECEIPT_ASK_TOTAL)))
    if draft.name:
        return Question(desk.voice.say(Phrase.ASK_AMOUNT_OF, name=draft.name))
    return Question(desk.voice.say(Phrase.ASK_AMOUNT))


async def _ask_category(desk: Desk, draft: Draft) -> Question:
    """Three buttons where a person is named; a list of all five for a bill, or without a name."""
    assert draft.amount is not None  # noqa: S101  # the amount is asked for first
    amount = show(draft.amount, draft.currency)
    text = desk.voice.say(Phrase.ASK_CATEGORY, amount=amount)
    if draft.name:
        text = desk.voice.say(Phrase.ASK_CATEGORY_OF, name=draft.name, amount=amount)
    if draft.receipt is not None:
        text = desk.voice.say(Phrase.RECEIPT_CHANGE)
    elif draft.name and draft.invoice_no is None:
        buttons = tuple(button(_category_id(c, draft), desk.voice.say(p)) for c, p in _WITH_NAME.items())
        return Question(text, buttons=buttons)
    rows = tuple(row(_category_id(c, draft), desk.voice.say(p)) for c, p in _ROWS.items())
    return Question(text, rows=rows, list_label=desk.voice.say(Phrase.LIST_LABEL))


def _category_id(category: Category, draft: Draft) -> str:
    return f"{CATEGORY}|{category.value}|{draft.id}"


async def _ask_customer(desk: Desk, draft: Draft) -> Question:
    amount, currency = draft.amount, draft.currency
    if amount is None:
        entry = await desk.books.entry(draft.targets[0])
        if entry is not None:
            amount, currency = entry.amount, entry.currency
    phrase = Phrase.ASK_NAME_PAYMENT if draft.category is Category.PAYMENT else Phrase.ASK_NAME_CREDIT
    return Question(desk.voice.say(phrase, amount=show(amount, currency) if amount is not None else ""))


async def _ask_same(desk: Desk, draft: Draft) -> Question:
    new = button(f"{NEW}|{draft.id}", desk.voice.say(Phrase.BUTTON_NEW))
    if len(draft.choices) == 1:
        same = button(f"{PICK}|0|{draft.id}", desk.voice.say(Phrase.BUTTON_SAME))
        text = desk.voice.say(Phrase.ASK_SAME, said=draft.name, name=draft.choices[0].name)
        return Question(text, buttons=(same, new))
    buttons = choices(
        (f"{PICK}|{place}|{draft.id}", choice.name) for place, choice in enumerate(draft.choices[:2])
    )
    return Question(desk.voice.say(Phrase.ASK_WHICH, said=draft.name), buttons=(*buttons, new))


async def _ask_confirm(desk: Desk, draft: Draft) -> Question:
    carried = f"{draft.revision}|{draft.id}"
    if draft.op is Op.REMOVE:
        text = desk.voice.say(Phrase.ASK_CONFIRM_UNDO, entry=await amendments.old_text(desk, draft))
        yes, no = Phrase.BUTTON_UNDO, Phrase.BUTTON_KEEP
    elif draft.op is Op.AMEND:
        old, new = await amendments.both_texts(desk, draft)
        text = desk.voice.say(Phrase.ASK_CONFIRM_CHANGE, old=old, new=new)
        yes, no = Phrase.BUTTON_CHANGE, Phrase.BUTTON_NO
    else:
        text = desk.voice.say(Phrase.ASK_CONFIRM, entry=entries.draft_text(desk, draft))
        text = await asking(desk, draft, text)
        yes, no = Phrase.BUTTON_YES, Phrase.BUTTON_NO
    change = (button(f"{OTHERWISE}|{carried}", desk.voice.say(Phrase.BUTTON_OTHERWISE)),)
    return Question(
        text,
        buttons=(
            button(f"{YES}|{carried}", desk.voice.say(yes)),
            *(change if draft.receipt is not None else ()),
            button(f"{NO}|{carried}", desk.voice.say(no)),
        ),
    )


async def _ask_change(desk: Desk, draft: Draft) -> Question:
    return Question(desk.voice.say(Phrase.ASK_CHANGE, entry=await amendments.old_text(desk, draft)))


_ASKS: dict[Asked, Callable[[Desk, Draft], Awaitable[Question]]] = {
    Asked.AMOUNT: _ask_amount,
    Asked.CATEGORY: _ask_category,
    Asked.CUSTOMER: _ask_customer,
    Asked.SAME: _ask_same,
    Asked.CONFIRM: _ask_confirm,
    Asked.CHANGE: _ask_change,
}
