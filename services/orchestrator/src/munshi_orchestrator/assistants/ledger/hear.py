"""What is done with one message: by its kind, then by what waits for an answer, then by its intent."""

from munshi.contracts.assistant import SaidKind
from munshi.contracts.media import Document
from munshi.contracts.understanding import Intent, Understanding
from munshi_orchestrator.assistants.ledger import (
    confirm,
    corrections,
    entries,
    queries,
    questions,
    receipts,
    talk,
    voice,
    words,
)
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import Topic
from munshi_orchestrator.assistants.ledger.understand import ENTRIES, QUERIES, has_content, intent_of


async def hear(desk: Desk) -> None:
    """Works out the answer and the effects of the desk's message."""
    said, understanding = desk.said, desk.understanding
    if voice.denied(desk):
        return
    desk.state.unsure = None
    match said.kind:
        case SaidKind.BUTTON if said.button_id is not None:
            await confirm.tapped(desk, said.button_id)
        case SaidKind.REVOKE:
            await corrections.revoked(desk)
        case SaidKind.EDIT:
            if not await corrections.edited(desk, understanding):
                await _text(desk, understanding)
        case SaidKind.DOCUMENT if said.document is not None:
            await _document(desk, said.document, understanding)
        case SaidKind.UNREADABLE:
            talk.unreadable(desk)
            if intent_of(desk.state, understanding) in ENTRIES:
                await _text(desk, understanding)
        case _:
            await _text(desk, understanding)


async def _document(desk: Desk, document: Document, understanding: Understanding) -> None:
    """A receipt, or another picture: then what stands under it may still be an entry."""
    if document.kind in receipts.RECEIPTS:
        await receipts.receive(desk, document, understanding)
    elif intent_of(desk.state, understanding) in ENTRIES:
        await _text(desk, understanding)
    else:
        receipts.no_receipt(desk)


async def _text(desk: Desk, understanding: Understanding) -> None:
    if voice.doubted(desk) or voice.wished(desk):
        return
    if desk.state.drafts and await confirm.answer(desk, understanding):
        return
    if words.is_thanks(desk.said.text):
        talk.thanks(desk)
        return
    intent = intent_of(desk.state, understanding)
    if intent is Intent.ADD_RECEIPT and not has_content(understanding.entities):
        receipts.send_it(desk)
    elif intent in ENTRIES:
        await _entry(desk, understanding)
    elif intent in QUERIES:
        await _query(desk, understanding, intent)
    elif intent is Intent.CORRECT:
        await _correction(desk, understanding)
    elif intent is Intent.UNDO:
        await corrections.undo(desk, understanding)
    elif intent is Intent.CLARIFY:
        await _fragment(desk, understanding)
    elif intent is Intent.GREET:
        talk.greet(desk)
    elif intent is Intent.HELP:
        talk.help_out(desk)
    else:
        await talk.other(desk)


async def _entry(desk: Desk, understanding: Understanding) -> None:
    if (
        understanding.entities.amount is None
        and not understanding.entities.customer_name
        and desk.state.drafts
    ):
        await talk.other(desk)  # nothing of a new entry and no answer either: the question stands
        return
    entries.drop_waiting(desk)
    entries.begin(desk, understanding)
    await questions.advance(desk)


async def _query(desk: Desk, understanding: Understanding, intent: Intent) -> None:
    if intent is Intent.QUERY_CUSTOMER_BALANCE:
        await queries.balance(desk, understanding)
    else:
        await queries.totals(desk, understanding, intent)
    await questions.advance(desk)


async def _correction(desk: Desk, understanding: Understanding) -> None:
    if words.is_no(desk.said.text) and not desk.said.quoted and desk.state.topic is not Topic.ENTRY:
        desk.answer.add(desk.voice.say(Phrase.NOTHING_PENDING))
        return
    await corrections.correct(desk, understanding)


async def _fragment(desk: Desk, understanding: Understanding) -> None:
    """A piece that answers no question: it may begin an entry, or correct the one just booked."""
    text, entities = desk.said.text, understanding.entities
    if desk.state.drafts:
        await talk.other(desk)
    elif (desk.said.quoted and has_content(entities)) or (
        words.is_no(text) and desk.state.topic is Topic.ENTRY
    ):
        await corrections.correct(desk, understanding)
    elif entities.amount is not None:
        entries.begin(desk, understanding)
        await questions.advance(desk)
    elif words.is_yes(text) or words.is_no(text) or words.is_drop(text):
        desk.answer.add(desk.voice.say(Phrase.NOTHING_PENDING))
    elif entities.customer_name:
        desk.answer.add(desk.voice.say(Phrase.NAME_ALONE, name=entities.customer_name))
    else:
        await talk.other(desk)
