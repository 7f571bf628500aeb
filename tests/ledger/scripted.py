"""An engine of understanding that says what the table says, so that flows are tested exactly."""

from decimal import Decimal
from typing import Any

from munshi.contracts.understanding import (
    Category,
    Entities,
    Intent,
    Language,
    Request,
    Script,
    Understanding,
)

INTENTS = {
    "add": Intent.ADD_TRANSACTION,
    "receipt": Intent.ADD_RECEIPT,
    "day": Intent.QUERY_TOTAL_DAY,
    "period": Intent.QUERY_TOTAL_PERIOD,
    "balance": Intent.QUERY_CUSTOMER_BALANCE,
    "clarify": Intent.CLARIFY,
    "correct": Intent.CORRECT,
    "undo": Intent.UNDO,
    "greet": Intent.GREET,
    "help": Intent.HELP,
    "other": Intent.OTHER,
}
WRITINGS = {
    "hi": Language(tag="hi", script=Script.DEVANAGARI, confidence=1.0),
    "hinglish": Language(tag="hi", script=Script.LATIN, confidence=0.95),
    "en": Language(tag="en", script=Script.LATIN, confidence=0.95),
    "unsure": Language(tag="en", script=Script.LATIN, confidence=0.3),
}


def reading(text: str, row: dict[str, Any], lang: str) -> Understanding:
    """One row of a table as an understanding."""
    language = WRITINGS[row.get("lang", lang)]
    further = tuple(reading(part.get("text", text), part, lang) for part in row.get("further", []))
    amount = row.get("amount")
    return Understanding(
        text=text,
        intent=INTENTS[row.get("intent", "add")],
        confidence=row.get("confidence", 0.95),
        entities=Entities(
            amount=Decimal(str(amount)) if amount is not None else None,
            currency=row.get("currency"),
            customer_name=row.get("name"),
            category=Category(row["category"]) if "category" in row else None,
            date=str(row["date"]) if "date" in row else None,
            invoice_no=row.get("invoice_no"),
        ),
        language=language,
        further=further,
    )


class Scripted:
    """Readings by text; a text that is not in the table fails the test."""

    def __init__(self) -> None:
        self.table: dict[str, Understanding] = {}
        self.asked: list[Request] = []

    async def understand(self, request: Request) -> Understanding:
        self.asked.append(request)
        return self.table[request.text]
