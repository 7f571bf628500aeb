"""Corrections, undo, and WhatsApp's own edits and deletions of messages."""

from munshi.contracts.assistant import Entry, Origin, Source
from munshi.contracts.ids import MessageID
from munshi.contracts.understanding import Intent, Understanding
from munshi_orchestrator.assistants.ledger import amendments, entries, fields, questions, words
from munshi_orchestrator.assistants.ledger.books import message_of
from munshi_orchestrator.assistants.ledger.days import single_day_of
from munshi_orchestrator.assistants.ledger.desk import Desk, token
from munshi_orchestrator.assistants.ledger.names import key
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import LONGEST_TEXT, Draft, Op, Restored, Settled, Topic
from munshi_orchestrator.assistants.ledger.understand import ENTRIES, all_of, tidy_name


async def correct(desk: Desk, understanding: Understanding) -> None:
    """Changes the quoted entry, else what is being asked about, else the entry last spoken of."""
    quoted = await _quoted(desk)
    if quoted is None and desk.state.drafts:
        patch(desk, desk.state.drafts[0], understanding)
        await questions.advance(desk)
        return
    if quoted is None and desk.state.undone is not None and desk.state.topic is Topic.UNDO:
        await _bring_back(desk, understanding)
        return
    entry = _meant(quoted, desk.said.text) if quoted else await _last_spoken_of(desk)
    if entry is None:
        desk.answer.add(desk.voice.say(Phrase.NOTHING_TO_CHANGE))
        return
    draft = _amendment(desk, entry, understanding.text)
    patch(desk, draft, understanding, entry)
    if quoted is not None and not quoted:
        draft.doubtful = True
        desk.answer.add(desk.voice.say(Phrase.QUOTED_NOT_FOUND))
    desk.state.drafts.insert(0, draft)
    await questions.advance(desk)


def _amendment(desk: Desk, entry: Entry, text: str) -> Draft:
    return Draft(
        id=token(desk.next_name()),
        message_id=desk.said.message_id,
        op=Op.AMEND,
        targets=(entry.ref,),
        text=words.clean(text, LONGEST_TEXT),
        currency=entry.currency,
    )


async def _bring_back(desk: Desk, understanding: Understanding) -> None:
    """ "nahi, 600 tha" after an undo: the entry again, corrected, but only after a yes."""
    undone = desk.state.undone
    assert undone is not None  # noqa: S101  # the caller looked
    draft = undone.model_copy(
        update={"id": token(desk.next_name()), "message_id": desk.said.message_id, "doubtful": True}
    )
    patch(desk, draft, understanding)
    draft.doubtful = True
    desk.state.drafts.insert(0, draft)
    await questions.advance(desk)


async def _quoted(desk: Desk) -> list[Entry] | None:
    """Entries of the quoted message; `None` where nothing is quoted."""
    if desk.said.quoted is None:
        return None
    return await _entries_of(desk, desk.said.quoted)


async def _entries_of(desk: Desk, message_id: MessageID) -> list[Entry]:
    """Entries of a message, and those that it began or corrected."""
    found = await desk.books.entries_of(message_id)
    made = desk.state.links.get(message_id)
    for ref in made.refs if made else ():
        entry = await desk.books.entry(ref)
        if entry is not None and all(entry.ref != other.ref for other in found):
            found.append(entry)
    return found


async def _last_spoken_of(desk: Desk) -> Entry | None:
    if desk.state.touched is not None:
        touched = await desk.books.entry(desk.state.touched)
        if touched is not None:
            return touched
    last = await desk.books.last_entry()
    if last is None or last.ref.endswith("#1") or words.swapped(desk.said.text) is None:
        return last
    return _meant(await desk.books.entries_of(message_of(last.ref)), desk.said.text) or last


def _meant(live: list[Entry], text: str) -> Entry | None:
    """Of several entries of one message the one that the text names, else the last."""
    spoken = words.plain(text)
    for entry in live:
        named = entry.customer_name is not None and words.plain(entry.customer_name) in spoken
        if named or f"{entry.amount.normalize():f}" in spoken.split():
            return entry
    return live[-1] if live else None


def patch(desk: Desk, draft: Draft, understanding: Understanding, entry: Entry | None = None) -> bool:
    """Puts what a correction says into a draft; `entry` is what it corrects, for "X nahi Y".

    False where it says nothing.
    """
    before = draft.model_dump()
    entities = understanding.entities
    text = desk.said.text
    trouble = entities.amount is not None and not entries.set_amount(desk, draft, entities.amount)
    told = fields.corrected(text, entities, desk.today)
    swap = words.swapped(text)
    name_now = entry.customer_name if entry else draft.name
    if swap is not None and entities.amount is None:
        _swap(draft, swap, name_now, entities.customer_name)
    else:
        category = words.category_of(text) or (entities.category if understanding.intent in ENTRIES else None)
        draft.category = category or draft.category
        named = entities.customer_name or told.vendor
        if named:
            draft.name, draft.person, draft.choices = named, None, ()
    draft.day = single_day_of(entities.date) or told.day or draft.day
    changed = draft.model_dump() != before
    if changed:
        draft.revision += 1
        draft.doubtful, draft.sure = False, False
    return changed or trouble


def _swap(draft: Draft, swap: tuple[str, str], name_now: str | None, read: str | None) -> None:
    """Which of the two sides is right: the one that does not stand in the books, else what the model read."""
    categories = tuple(words.category_of(side) for side in swap)
    if categories[0] and categories[1]:
        draft.category = categories[1]
        return
    sides = [tidy_name(words.bare_name(side)) for side in swap]
    keys = [key.strict(side) if side else "" for side in sides]
    now = key.strict(name_now) if name_now else ""
    if now and now in keys and keys[0] != keys[1]:
        name = sides[1 - keys.index(now)]
    else:
        name = next((side for side in sides if side and read and key.strict(side) == key.strict(read)), None)
    if name:
        draft.name, draft.person, draft.choices = name, None, ()


async def undo(desk: Desk, understanding: Understanding) -> None:
    """Takes back the quoted entry, else drops what is being asked, else takes back the last entry."""
    quoted = await _quoted(desk)
    if quoted:
        await _take_back(desk, quoted)
        await questions.advance(desk)
        return
    if quoted is None and desk.state.drafts:
        _drop_all(desk)
        return
    last = await desk.books.last_entry()
    if last is None:
        phrase = Phrase.UNDO_AGAIN if desk.books.removed_any() else Phrase.NOTHING_TO_UNDO
        desk.answer.add(desk.voice.say(phrase))
    elif quoted is not None or _names_another(last, understanding):
        if quoted is not None:
            desk.answer.add(desk.voice.say(Phrase.QUOTED_NOT_FOUND))
        await _ask_to_undo(desk, last)
    else:
        await _take_back(desk, [last])


def _drop_all(desk: Desk) -> None:
    head = desk.state.drafts[0]
    for draft in list(desk.state.drafts):
        desk.state.settle(draft, Settled.DROPPED)
    if head.op is Op.ADD:
        entry = entries.draft_text(desk, head)
        desk.answer.add(desk.voice.say(Phrase.DROPPED_ENTRY, entry=entry))
    else:
        desk.answer.add(desk.voice.say(Phrase.UNCHANGED))


def _names_another(last: Entry, understanding: Understanding) -> bool:
    """ "Ramesh wali entry hata do", when the last one is Suresh's."""
    entities = understanding.entities
    if entities.amount is not None and entities.amount != last.amount:
        return True
    name = entities.customer_name
    return name is not None and key.strict(name) != key.strict(last.customer_name or "")


async def _ask_to_undo(desk: Desk, entry: Entry) -> None:
    desk.state.drafts.insert(
        0,
        Draft(
            id=token(desk.next_name()),
            message_id=desk.said.message_id,
            op=Op.REMOVE,
            targets=(entry.ref,),
            text=words.clean(desk.said.text, LONGEST_TEXT),
        ),
    )
    await questions.advance(desk)


async def _take_back(desk: Desk, live: list[Entry]) -> None:
    undone = await _as_draft(desk, live[0]) if len(live) == 1 else None
    await amendments.take_back(desk, live, reason="undo", one=Phrase.UNDONE, many=Phrase.UNDONE_MANY)
    desk.state.undone = undone


async def _as_draft(desk: Desk, entry: Entry) -> Draft:
    """A live entry as it would be booked again: source, bill number and file too."""
    origin = await desk.books.origin(entry.ref) or Origin(source=Source.TEXT)
    brought = Restored(metadata=origin.metadata, of=origin.of)
    return Draft(
        id=token(desk.next_name()),
        message_id=desk.said.message_id,
        text=words.clean(entry.description, LONGEST_TEXT),
        amount=entry.amount,
        currency=entry.currency,
        category=entry.category,
        name=entry.customer_name,
        day=entry.occurred_on,
        source=origin.source,
        restored=brought if brought != Restored() else None,
    )


async def edited(desk: Desk, understanding: Understanding) -> bool:
    """WhatsApp's edit of a message: its entry follows. False where it had none, and is read as new."""
    original = desk.said.original
    if original is None:
        return False
    for draft in [waiting for waiting in desk.state.drafts if waiting.message_id == original]:
        desk.state.settle(draft, Settled.DROPPED)
    live = await _entries_of(desk, original)
    if not live:
        return False
    made = desk.state.links.get(original)
    whole = made is None or made.began
    readable = understanding.intent in ENTRIES | {Intent.CORRECT, Intent.CLARIFY}
    pairs, extra, gone = _pair(live, understanding if readable and whole else None)
    amended = [pair for pair in pairs if await _amend_by_edit(desk, *pair)]
    if whole and understanding.intent in ENTRIES and amended:
        for reading in extra:
            entries.begin(desk, reading.model_copy(update={"further": ()}))
        if gone:
            await _take_back(desk, gone)
    elif not whole and readable and await _amend_by_edit(desk, live[-1], understanding):
        pass
    elif not amended:
        text = "; ".join(desk.text_of(entry) for entry in live)
        desk.answer.add(desk.voice.say(Phrase.EDIT_UNREAD, entry=text))
    await questions.advance(desk)
    return True


def _pair(
    live: list[Entry], understanding: Understanding | None
) -> tuple[list[tuple[Entry, Understanding]], list[Understanding], list[Entry]]:
    """Which reading of an edited message goes with which of its entries: by name first, then in order."""
    if understanding is None:
        return [], [], []
    readings, left, pairs = list(all_of(understanding)), list(live), []
    for reading in list(readings):
        name = reading.entities.customer_name
        same = [
            e for e in left if name and e.customer_name and key.strict(e.customer_name) == key.strict(name)
        ]
        if same:
            pairs.append((same[0], reading))
            left.remove(same[0])
            readings.remove(reading)
    count = min(len(left), len(readings))
    pairs += list(zip(left[:count], readings[:count], strict=True))
    return pairs, readings[count:], left[count:]


async def _amend_by_edit(desk: Desk, entry: Entry, reading: Understanding) -> bool:
    draft = _amendment(desk, entry, reading.text)
    if not patch(desk, draft, reading, entry) or draft.id in desk.troubles:
        return False
    desk.state.drafts.append(draft)
    return True


async def revoked(desk: Desk) -> None:
    """A message deleted for everyone: its entries and open questions go with it. Silent where it had none."""
    original = desk.said.original
    if original is None:
        return
    dropped = [draft for draft in desk.state.drafts if draft.message_id == original]
    for draft in dropped:
        desk.state.settle(draft, Settled.DROPPED)
    made = desk.state.links.get(original)
    live = await _entries_of(desk, original)
    if made is not None and not made.began and live:
        desk.answer.add(desk.voice.say(Phrase.REVOKED_CORRECTION, entry=desk.text_of(live[-1])))
    elif live:
        await amendments.take_back(desk, live, reason="revoked", one=Phrase.REVOKED, many=Phrase.REVOKED_MANY)
    elif dropped:
        entry = entries.draft_text(desk, dropped[0])
        desk.answer.add(desk.voice.say(Phrase.DROPPED_ENTRY, entry=entry))
    if live or dropped:
        await questions.advance(desk)
