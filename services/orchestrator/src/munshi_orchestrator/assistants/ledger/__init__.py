"""The Ledger: a bookkeeping assistant for shopkeepers, in Hindi, Hinglish and English."""

from munshi_orchestrator.assistants.ledger.graph import LedgerAssistant

__all__ = ["LedgerAssistant"]
