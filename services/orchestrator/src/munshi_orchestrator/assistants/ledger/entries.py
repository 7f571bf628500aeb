"""New entries: from a reading to drafts, and from a complete draft into the books."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from munshi.contracts.assistant import Entry, SaidKind, Source
from munshi.contracts.understanding import Category, Intent, Understanding
from munshi_orchestrator.assistants.ledger import balances, money, vendors, words
from munshi_orchestrator.assistants.ledger.books import person_of
from munshi_orchestrator.assistants.ledger.days import single_day_of
from munshi_orchestrator.assistants.ledger.desk import ON_ACCOUNT, Desk, token
from munshi_orchestrator.assistants.ledger.names import key
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import (
    LONGEST_NAME,
    LONGEST_TEXT,
    Asked,
    Draft,
    Made,
    Op,
    Person,
    Settled,
    Topic,
)
from munshi_orchestrator.assistants.ledger.understand import all_of

DOUBT_BELOW = 0.5
"""An entry read with less confidence is shown before it is booked."""
SURELY = 0.6
"""From this confidence on, words that are none of the books' business are no name either."""
QUOTA_NOTICE_EVERY = timedelta(hours=1)


def begin(desk: Desk, understanding: Understanding) -> None:
    """Drafts of all entries of a message, before those that still wait."""
    fresh = [_draft(desk, reading, understanding.confidence) for reading in all_of(understanding)]
    desk.state.drafts[:0] = fresh


def drop_waiting(desk: Desk) -> None:
    """Lets go of unanswered questions because something new came instead, and says so once.

    What only lacked a yes is kept: its buttons still stand on the phone, and it is asked about again.
    """
    lacking = [draft for draft in desk.state.drafts if draft.asked is not Asked.CONFIRM]
    if lacking and lacking[0].op is Op.ADD:
        desk.answer.add(desk.voice.say(Phrase.DROPPED_FOR_NEW, entry=draft_text(desk, lacking[0])))
    for draft in lacking:
        desk.state.settle(draft, Settled.DROPPED)


def _draft(desk: Desk, reading: Understanding, confidence: float) -> Draft:
    entities = reading.entities
    draft = Draft(
        id=token(desk.next_name()),
        message_id=desk.origin,
        text=words.clean(reading.text, LONGEST_TEXT),
        currency=entities.currency or desk.settings.currency,
        category=entities.category,
        name=entities.customer_name,
        day=single_day_of(entities.date),
        source=desk.said.source,
        invoice_no=entities.invoice_no,
        doubtful=confidence < DOUBT_BELOW,
    )
    if draft.name is None and draft.category in ON_ACCOUNT and words.has_pronoun(reading.text):
        draft.name = desk.state.customer
    set_amount(desk, draft, entities.amount)
    return draft


def set_amount(desk: Desk, draft: Draft, amount: Decimal | None) -> bool:
    """Puts an amount into a draft if the books can hold it; else says why not."""
    if amount is None:
        return False
    usable = money.exact(amount)
    if isinstance(usable, money.Trouble):
        desk.troubles[draft.id] = usable
        return False
    draft.amount = usable
    return True


def name_from_answer(desk: Desk, understanding: Understanding) -> str | None:
    """The name that answers "kiske naam?": what the model found, or a short message as it stands."""
    found = understanding.entities.customer_name
    if found:
        return found
    text = desk.said.text
    if words.has_pronoun(text):
        return None if words.asks_balance(text) else desk.state.customer
    if understanding.entities.amount is not None or words.is_yes(text) or words.is_no(text):
        return None
    if desk.said.kind is SaidKind.UNREADABLE or words.asks_something(text):
        return None
    surely_other = understanding.intent is Intent.OTHER and understanding.confidence >= SURELY
    if surely_other and words.word_count(text) > 1:
        return None
    return words.bare_name(words.clean(text, LONGEST_NAME)) or None


def draft_text(desk: Desk, draft: Draft) -> str:
    """A draft in words, as far as it is known."""
    return desk.entry_text(
        name=draft.person.name if draft.person else draft.name,
        amount=draft.amount,
        currency=draft.currency,
        category=draft.category,
        day=draft.day,
    )


async def known(desk: Desk, person: Person) -> Person:
    """The person as the books have them now: ids of an earlier turn may have been merged away."""
    for customer in await desk.books.customers():
        if person.id is not None and customer.id == person.id:
            return person_of(customer)
    return await desk.books.find(person.name) or Person(name=person.name)


def _quota_reached(desk: Desk) -> bool:
    used = desk.given.usage.transactions_this_month + desk.books.added_count()
    return used >= desk.given.spec.limits.transactions_per_month


def _refuse(desk: Desk) -> None:
    told = desk.state.quota_told_at
    if told is None or abs(desk.given.now - told) >= QUOTA_NOTICE_EVERY:
        desk.state.quota_told_at = desk.given.now
        desk.answer.add(desk.voice.say(Phrase.QUOTA))


async def book(desk: Desk, draft: Draft) -> Entry | None:
    """Writes a complete draft into the books. `None` where the month's quota is used up."""
    if _quota_reached(desk):
        _refuse(desk)
        desk.state.settle(draft, Settled.DROPPED)
        return None
    person = await known(desk, draft.person) if draft.person else None
    assert draft.amount is not None  # noqa: S101  # only complete drafts come here
    assert draft.category is not None  # noqa: S101
    entry = Entry(
        ref=desk.next_name(),
        customer_name=person.name if person else None,
        customer_id=person.id if person else None,
        description=draft.text or draft.category.value,
        amount=draft.amount,
        currency=draft.currency,
        category=draft.category,
        occurred_on=draft.day or desk.today,
        created_at=desk.given.now,
    )
    began = draft.source is not Source.TEXT and draft.message_id != desk.said.message_id
    of = draft.restored.of if draft.restored else draft.message_id if began else None
    desk.books.add(entry, draft.source, _metadata(draft), of)
    _remember(desk, draft, entry)
    if draft.receipt is not None:
        vendors.remember(desk, draft.receipt, entry, draft.message_id)
    return entry


def _metadata(draft: Draft) -> dict[str, Any]:
    found: dict[str, Any] = {"invoice_no": draft.invoice_no}
    if draft.receipt is not None:
        read = draft.receipt
        found |= {"vendor": read.vendor, "gstin": read.gstin, "sha256": read.sha256}
        found |= {"tax": None if read.tax is None else str(read.tax)}
    if draft.restored is not None:
        found = draft.restored.metadata | {name: value for name, value in found.items() if value is not None}
    return {name: value for name, value in found.items() if value is not None}


def _remember(desk: Desk, draft: Draft, entry: Entry) -> None:
    state = desk.state
    state.settle(draft, Settled.DONE)
    if draft.asked_at is None:
        del state.settled[draft.id]  # no button was ever shown for it
    if draft.message_id != desk.said.message_id:
        before = state.links.get(draft.message_id)
        refs = (*before.refs, entry.ref) if before else (entry.ref,)
        state.links[draft.message_id] = Made(refs=refs, began=True)
    state.topic, state.touched, state.undone = Topic.ENTRY, None, None
    state.customer = entry.customer_name or state.customer


async def report(desk: Desk, entries: list[Entry]) -> None:
    """Says what was booked, with the new balances."""
    if not entries:
        return
    lines = await balances.after(desk, entries)
    if len(entries) == 1:
        booked = desk.voice.say(Phrase.BOOKED, entry=desk.text_of(entries[0]))
        desk.answer.add(" ".join([booked, *lines]))
        return
    desk.answer.add(desk.voice.say(Phrase.BOOKED_MANY))
    for entry in entries:
        desk.answer.add(f"• {desk.text_of(entry)}")
    for line in lines:
        desk.answer.add(line)


def is_another(draft: Draft, understanding: Understanding) -> bool:
    """Whether a message, instead of answering a draft's question, tells of another entry."""
    entities = understanding.entities
    if understanding.intent not in (Intent.ADD_TRANSACTION, Intent.ADD_RECEIPT) or entities.amount is None:
        return False
    if understanding.further:
        return True
    differs = (
        (draft.amount is not None and draft.amount != entities.amount)
        or (_differ(draft.category, entities.category))
        or (draft.name is not None and entities.customer_name is not None
            and key.strict(draft.name) != key.strict(entities.customer_name))
    )  # fmt: skip
    return differs and (entities.category is not None or entities.customer_name is not None)


def _differ(one: Category | None, other: Category | None) -> bool:
    return one is not None and other is not None and one is not other
