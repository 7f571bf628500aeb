"""What was read of a receipt, in words."""

from decimal import Decimal

from munshi.contracts.media import FileKind
from munshi_orchestrator.assistants.ledger.days import show_day
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.money import show
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import Draft, Receipt


def exact(amount: Decimal) -> Decimal:
    """An amount as the books write it."""
    return amount.quantize(Decimal("0.01"))


async def asking(desk: Desk, draft: Draft, question: str) -> str:
    """A question about a draft; of a receipt, the first one is asked under all that was read of it."""
    if draft.receipt is None or draft.receipt.shown:
        return question
    draft.receipt.shown = True
    return f"{await _seen(desk, draft, draft.receipt)}\n\n{question}"


async def _seen(desk: Desk, draft: Draft, receipt: Receipt) -> str:
    """All that was read, with what is doubted, as lines."""
    say = desk.voice.say
    head = say(Phrase.INVOICE_HEAD if receipt.kind is FileKind.INVOICE else Phrase.RECEIPT_HEAD)
    lines = [f"{head} {receipt.vendor}" if receipt.vendor else f"{head} {say(Phrase.RECEIPT_NO_VENDOR)}"]
    day = show_day(draft.day, desk.today, desk.voice) if draft.day else say(Phrase.RECEIPT_NO_DATE)
    lines.append(say(Phrase.RECEIPT_DATE, day=day))
    if draft.invoice_no:
        lines.append(say(Phrase.RECEIPT_NUMBER, number=draft.invoice_no))
    if receipt.gstin:
        lines.append(say(Phrase.RECEIPT_GSTIN, gstin=receipt.gstin))
    lines += [f"• {line}" for line in receipt.lines]
    if receipt.more:
        lines.append(say(Phrase.RECEIPT_MORE, count=receipt.more))
    if receipt.tax:
        lines.append(say(Phrase.RECEIPT_TAX, amount=show(exact(receipt.tax), draft.currency)))
    if draft.amount is not None:
        lines.append(say(Phrase.RECEIPT_TOTAL, amount=show(draft.amount, draft.currency)))
    return "\n".join([*lines, *await _doubts(desk, draft, receipt)])


async def _doubts(desk: Desk, draft: Draft, receipt: Receipt) -> list[str]:
    say = desk.voice.say
    lines = [f"⚠️ {say(Phrase(doubt))}" for doubt in receipt.doubts]
    if draft.amount is not None and receipt.total is not None and draft.amount != receipt.total:
        lines.append(f"⚠️ {say(Phrase.DOUBT_OTHER_TOTAL, amount=show(exact(receipt.total), draft.currency))}")
    if receipt.again is not None:
        entry = await desk.books.entry(receipt.again)
        if entry is not None:
            lines.append(f"⚠️ {say(Phrase.RECEIPT_AGAIN, entry=desk.text_of(entry))}")
    return lines
