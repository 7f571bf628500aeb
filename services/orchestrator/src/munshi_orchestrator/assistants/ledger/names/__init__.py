"""Names of customers across spellings and scripts."""

from munshi_orchestrator.assistants.ledger.names.match import Ask, Link, Match, New, match, near

__all__ = ["Ask", "Link", "Match", "New", "match", "near"]
