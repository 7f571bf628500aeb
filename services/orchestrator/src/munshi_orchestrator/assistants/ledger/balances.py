"""What a customer owes, in words."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from munshi.contracts.assistant import Entry
from munshi_orchestrator.assistants.ledger import money
from munshi_orchestrator.assistants.ledger.desk import ON_ACCOUNT, Desk
from munshi_orchestrator.assistants.ledger.names import key
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import Person

_AFTER = (Phrase.OWES, Phrase.AHEAD, Phrase.SETTLED)
_ASKED = (Phrase.BALANCE_OWES, Phrase.BALANCE_AHEAD, Phrase.BALANCE_NONE)


def in_words(
    desk: Desk, name: str, balance: Mapping[str, Decimal], phrases: tuple[Phrase, Phrase, Phrase] = _ASKED
) -> str:
    """One line, or one for what is owed and one for what is paid ahead where currencies differ."""
    owes, ahead, settled = phrases
    owed = {currency: amount for currency, amount in balance.items() if amount > 0}
    paid_ahead = {currency: amount for currency, amount in balance.items() if amount < 0}
    lines = []
    if owed:
        lines.append(desk.voice.say(owes, name=name, amount=money.show_all(owed)))
    if paid_ahead:
        lines.append(desk.voice.say(ahead, name=name, amount=money.show_all(paid_ahead)))
    return "\n".join(lines) or desk.voice.say(settled, name=name)


async def after(desk: Desk, entries: Iterable[Entry]) -> list[str]:
    """The new balances of all customers whom these entries concern, each once."""
    seen: set[str] = set()
    lines = []
    for entry in entries:
        name = entry.customer_name
        if name is None or entry.category not in ON_ACCOUNT or key.fold(name) in seen:
            continue
        seen.add(key.fold(name))
        held = await desk.books.balance(Person(id=entry.customer_id, name=name))
        lines.append(in_words(desk, name, held.amounts, _AFTER))
    return lines
