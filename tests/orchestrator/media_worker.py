"""A worker whose assistant says back what it was given, and books one entry for each document.

`python -m orchestrator.media_worker`: the real orchestrator, composed with another assistant.
"""

import asyncio

from munshi.contracts.assistant import AddEntry, Reply, Said, SaidKind, TurnInput, TurnOutcome
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import Category
from munshi.tasks import until_signal
from munshi.telemetry import configure
from munshi_orchestrator.main import Orchestrator
from munshi_orchestrator.settings import OrchestratorSettings


def _heard(said: Said) -> str:
    if said.document is not None:
        return f"document {said.document.fields.total}"
    if said.kind is SaidKind.UNREADABLE:
        return f"{said.media_type} {said.refused or 'kept'}"
    return f"{said.source} {said.text}"


class Parrot:
    """Says back."""

    async def turn(self, given: TurnInput) -> TurnOutcome:
        """One turn."""
        booked = [
            AddEntry(
                ref=f"{said.message_id}#1",
                description="receipt",
                amount=said.document.fields.total,
                currency="INR",
                category=Category.EXPENSE,
                source=said.source,
                occurred_on=given.now.date(),
            )
            for said in given.said
            if said.document is not None and said.document.fields.total is not None
        ]
        replies = [
            Reply(
                text=_heard(said),
                quotes=said.message_id,
                spoken="en" if said.text.startswith("speak") else None,
                written="written instead" if said.text == "speak of it" else None,
            )
            for said in given.said
        ]
        return TurnOutcome(state={"n": 1}, replies=tuple(replies), effects=tuple(booked))


if __name__ == "__main__":
    configure("orchestrator")
    built = dict.fromkeys((AssistantKind.LEDGER, AssistantKind.SALES), Parrot())
    asyncio.run(until_signal(Orchestrator(OrchestratorSettings(), built).run()))
