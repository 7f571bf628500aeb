"""Settling drafts that change or take back what is in the books."""

from munshi.contracts.assistant import Entry
from munshi_orchestrator.assistants.ledger import balances, entries, money
from munshi_orchestrator.assistants.ledger.days import show_day
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import Draft, Made, Op, Settled, Topic


def changes_anything(draft: Draft) -> bool:
    """Whether a correction says what to change."""
    return any(part is not None for part in (draft.amount, draft.category, draft.name, draft.day))


async def apply(desk: Desk, draft: Draft) -> None:
    """Writes a complete correction or a confirmed undo."""
    desk.state.settle(draft, Settled.DONE)
    if draft.asked_at is None:
        del desk.state.settled[draft.id]
    live = [entry for ref in draft.targets if (entry := await desk.books.entry(ref)) is not None]
    if not live:
        desk.answer.add(desk.voice.say(Phrase.GONE_MEANWHILE))
    elif draft.op is Op.REMOVE:
        await take_back(desk, live, reason="undo", one=Phrase.UNDONE, many=Phrase.UNDONE_MANY)
    else:
        await _amend(desk, draft, live[0])


async def _amend(desk: Desk, draft: Draft, old: Entry) -> None:
    new = await _changed(desk, draft, old)
    if new == old:
        desk.answer.add(desk.voice.say(Phrase.CHANGED_ALREADY, entry=desk.text_of(old)))
        return
    desk.books.amend(old, new, reason=draft.text or "correction")
    said = desk.voice.say(Phrase.CHANGED, old=_difference(desk, old, new), new=desk.text_of(new))
    concerned = [new, old] if old.customer_name != new.customer_name else [new]
    desk.answer.add(" ".join([said, *await balances.after(desk, concerned)]))
    state = desk.state
    for message_id in {draft.message_id, desk.said.message_id}:
        if message_id not in state.links:
            state.links[message_id] = Made(refs=(old.ref,), began=False)
    state.topic, state.touched, state.undone = Topic.ENTRY, old.ref, None
    state.customer = new.customer_name or state.customer


async def _changed(desk: Desk, draft: Draft, old: Entry) -> Entry:
    person = await entries.known(desk, draft.person) if draft.person else None
    return old.model_copy(
        update={
            "amount": draft.amount or old.amount,
            "category": draft.category or old.category,
            "occurred_on": draft.day or old.occurred_on,
            "customer_id": person.id if person else old.customer_id,
            "customer_name": person.name if person else old.customer_name,
        }
    )


def _difference(desk: Desk, old: Entry, new: Entry) -> str:
    """What it was, only as far as it changed: `₹500`, `Suresh`, `udhaar, kal`."""
    parts = []
    if old.customer_name != new.customer_name:
        parts.append(old.customer_name or desk.voice.say(Phrase.NO_NAME))
    if old.amount != new.amount:
        parts.append(money.show(old.amount, old.currency))
    if old.category is not new.category:
        parts.append(desk.voice.category(old.category))
    if old.occurred_on != new.occurred_on:
        parts.append(show_day(old.occurred_on, desk.today, desk.voice))
    return ", ".join(parts)


async def take_back(desk: Desk, live: list[Entry], *, reason: str, one: Phrase, many: Phrase) -> None:
    """Removes entries from the books and says which."""
    for entry in live:
        desk.books.remove(entry, reason)
    lines = await balances.after(desk, live)
    if len(live) == 1:
        said = desk.voice.say(one, entry=desk.text_of(live[0]))
        desk.answer.add(" ".join([said, *lines]))
    else:
        desk.answer.add(desk.voice.say(many))
        for line in [*(f"• {desk.text_of(entry)}" for entry in live), *lines]:
            desk.answer.add(line)
    desk.state.topic, desk.state.touched, desk.state.undone = Topic.UNDO, None, None


async def old_text(desk: Desk, draft: Draft) -> str:
    """What a correction or an undo is about, as it stands in the books."""
    live = [entry for ref in draft.targets if (entry := await desk.books.entry(ref)) is not None]
    return "; ".join(desk.text_of(entry) for entry in live) or "…"


async def both_texts(desk: Desk, draft: Draft) -> tuple[str, str]:
    """An entry before and after a correction, in words."""
    old = await desk.books.entry(draft.targets[0])
    if old is None:
        return "…", entries.draft_text(desk, draft)
    return desk.text_of(old), desk.text_of(await _changed(desk, draft, old))
