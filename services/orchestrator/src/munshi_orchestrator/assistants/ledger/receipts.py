"""Pictures and PDFs: what was read of a receipt is shown, and booked only after a yes."""

from collections.abc import Sequence

from munshi.contracts.assistant import Entry
from munshi.contracts.media import Document, FileKind, LineItem
from munshi.contracts.understanding import Category, Understanding
from munshi_orchestrator.assistants.ledger import entries, fields, questions, vendors, words
from munshi_orchestrator.assistants.ledger.books import person_of
from munshi_orchestrator.assistants.ledger.desk import Desk, token
from munshi_orchestrator.assistants.ledger.money import show
from munshi_orchestrator.assistants.ledger.names import Link, match
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.receipt_view import exact
from munshi_orchestrator.assistants.ledger.state import (
    LONGEST_NAME,
    LONGEST_TEXT,
    Draft,
    Person,
    Receipt,
    Topic,
)
from munshi_orchestrator.assistants.ledger.understand import ENTRIES, QUERIES

RECEIPTS = frozenset({FileKind.RECEIPT, FileKind.INVOICE})
SURELY = 0.5
"""A field read with less confidence is doubted; a total is asked for instead of shown."""
_GUESSED = 0.35
"""A category guessed with less confidence is none."""
_LINES = 5
_LINE = 48
_CHECKS = {
    "lines_do_not_add_up": Phrase.DOUBT_LINES,
    "tax_does_not_add_up": Phrase.DOUBT_TAX,
    "gstin_checksum": Phrase.DOUBT_GSTIN,
    "date_in_future": Phrase.DOUBT_FUTURE,
}


async def receive(desk: Desk, document: Document, understanding: Understanding) -> None:
    """A receipt or an invoice came: asks whether to book what was read of it."""
    sha256 = desk.said.file.sha256 if desk.said.file else None
    waiting = next(
        (d for d in desk.state.drafts if d.receipt and sha256 and d.receipt.sha256 == sha256), None
    )
    if waiting is not None:
        desk.answer.add(desk.voice.say(Phrase.RECEIPT_WAITS))
        desk.state.drafts.remove(waiting)
        desk.state.drafts.insert(0, waiting)
    else:
        entries.drop_waiting(desk)
        same = await desk.books.same_receipt(sha256, document.fields)
        desk.state.drafts.insert(0, await _draft(desk, document, understanding, sha256, same))
    await questions.advance(desk)


async def _draft(
    desk: Desk,
    document: Document,
    understanding: Understanding,
    sha256: str | None,
    same: Sequence[Entry],
) -> Draft:
    read, caption = document.fields, _caption(desk, understanding)
    vendor = words.clean(read.vendor, LONGEST_NAME) if read.vendor else None
    known = await vendors.known(desk, vendor, read.gstin) if vendor else None
    vendor = known.name if known else vendor
    draft = Draft(
        id=token(desk.next_name()),
        message_id=desk.origin,
        text=words.clean(desk.said.text or vendor or "", LONGEST_TEXT),
        currency=caption.entities.currency or read.currency or desk.settings.currency,
        category=_category(document, caption, desk.said.text, known),
        name=caption.entities.customer_name or vendor,
        day=read.date,
        source=desk.said.source,
        invoice_no=words.clean(read.invoice_no, LONGEST_NAME) if read.invoice_no else None,
        receipt=_receipt(desk, document, sha256, vendor),
    )
    if same and draft.receipt is not None:
        draft.receipt.again = same[0].ref
    if draft.name == vendor and vendor is not None:
        # A shop's name as printed: whoever is nearly called so is somebody else, and no question is asked.
        found = match(vendor, await desk.books.customers())
        draft.person = person_of(found.customer) if isinstance(found, Link) else Person(name=vendor)
    told, total = caption.entities.amount, read.total
    if told is not None:
        entries.set_amount(desk, draft, told)
    elif total is not None and _confidence(document, "total") >= SURELY:
        entries.set_amount(desk, draft, total)
    return draft


def _caption(desk: Desk, understanding: Understanding) -> Understanding:
    """What the words under the picture say; nothing where they are a question."""
    if desk.said.text and understanding.intent not in QUERIES:
        return understanding
    return Understanding(text="", intent=understanding.intent, confidence=0.0)


def _category(
    document: Document, caption: Understanding, text: str, known: vendors.Vendor | None
) -> Category:
    named = words.category_of(text) or (
        caption.entities.category if caption.intent in ENTRIES or caption.confidence >= SURELY else None
    )
    if named is not None:
        return named
    if known is not None:
        return known.category
    if document.category is not None and document.category_confidence >= _GUESSED:
        return document.category
    return Category.BUY if document.kind is FileKind.INVOICE else Category.EXPENSE


def _receipt(desk: Desk, document: Document, sha256: str | None, vendor: str | None) -> Receipt:
    read = document.fields
    doubts = [_CHECKS[check].value for check in document.failed_checks if check in _CHECKS]
    if read.date is not None and _confidence(document, "date") < SURELY:
        doubts.append(Phrase.DOUBT_DATE.value)
    if vendor is not None and _confidence(document, "vendor") < SURELY:
        doubts.append(Phrase.DOUBT_VENDOR.value)
    if read.date is not None and read.date > desk.today and Phrase.DOUBT_FUTURE.value not in doubts:
        doubts.append(Phrase.DOUBT_FUTURE.value)
    return Receipt(
        kind=document.kind,
        vendor=vendor,
        gstin=read.gstin,
        total=read.total,
        tax=read.tax,
        sha256=sha256,
        lines=tuple(_line(item, read.currency or desk.settings.currency) for item in document.lines[:_LINES]),
        more=max(0, len(document.lines) - _LINES),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _confidence(document: Document, name: str) -> float:
    return document.confidences.get(name, document.confidence)


def _line(item: LineItem, currency: str) -> str:
    name = words.clean(item.description, _LINE)
    if item.quantity is not None and item.quantity != 1:
        name = f"{name} × {item.quantity.normalize():f}"
    return f"{name} — {show(exact(item.amount), currency)}" if item.amount is not None else name


def amend(desk: Desk, draft: Draft, understanding: Understanding) -> bool:
    """A typed correction of what was read, while it waits for its yes. `False` where the message is none."""
    told = fields.corrected(desk.said.text, understanding.entities, desk.today)
    if not told.anything or draft.receipt is None or understanding.intent in ENTRIES:
        return False
    if told.total is not None and not entries.set_amount(desk, draft, told.total):
        return True
    draft.day = told.day or draft.day
    draft.category = told.category or draft.category
    if told.vendor is not None:
        draft.name, draft.person = words.clean(told.vendor, LONGEST_NAME), Person(name=told.vendor)
        draft.receipt.vendor = draft.name
    draft.receipt.doubts = tuple(doubt for doubt in draft.receipt.doubts if doubt not in _settled_by(told))
    draft.changing = False
    draft.revision += 1
    return True


def _settled_by(told: fields.Corrected) -> frozenset[str]:
    settled: set[Phrase] = set()
    if told.day is not None:
        settled |= {Phrase.DOUBT_DATE, Phrase.DOUBT_FUTURE}
    if told.vendor is not None:
        settled.add(Phrase.DOUBT_VENDOR)
    if told.total is not None:
        settled |= {Phrase.DOUBT_LINES, Phrase.DOUBT_TAX}
    return frozenset(phrase.value for phrase in settled)


def no_receipt(desk: Desk) -> None:
    """A picture that is no receipt."""
    desk.answer.add(desk.voice.say(Phrase.NO_RECEIPT))
    desk.state.topic = Topic.ELSE


def send_it(desk: Desk) -> None:
    """A receipt was announced in words."""
    desk.answer.add(desk.voice.say(Phrase.SEND_RECEIPT))
    desk.state.topic = Topic.ELSE
