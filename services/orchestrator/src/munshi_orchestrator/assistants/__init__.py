"""The assistants, by kind."""

from munshi.contracts.assistant import Assistant
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import Understander
from munshi.errors import Permanent
from munshi_orchestrator.assistants.ledger import LedgerAssistant


class NotAvailableError(Permanent):
    """An assistant that this version of Munshi does not have yet."""


def build(kind: AssistantKind, understander: Understander) -> Assistant:
    """The assistant of a kind over an engine of understanding. Raises `NotAvailableError`."""
    if kind is AssistantKind.LEDGER:
        return LedgerAssistant(understander)
    raise NotAvailableError(f"the assistant {kind.value} is not available yet")
