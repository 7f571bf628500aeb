"""A worker whose assistant has a defect: `boom` raises, `crash` ends the process; all else is echoed.

`python -m orchestrator.broken_worker`: the real orchestrator, composed with another assistant.
"""

import asyncio
import os

from munshi.contracts.assistant import Reply, TurnInput, TurnOutcome
from munshi.contracts.tenant import AssistantKind
from munshi.telemetry import configure
from munshi_orchestrator.main import Orchestrator
from munshi_orchestrator.settings import OrchestratorSettings


class Broken:
    """Echoes what it is told."""

    async def turn(self, given: TurnInput) -> TurnOutcome:
        """One turn."""
        text = given.said[-1].text
        if text == "boom":
            raise ValueError(text)
        if text == "crash":
            os._exit(9)
        if text.startswith("slow"):
            await asyncio.sleep(float(text.removeprefix("slow")))
        return TurnOutcome(state={}, replies=(Reply(text=text, quotes=given.said[-1].message_id),))


if __name__ == "__main__":
    configure("orchestrator")
    asyncio.run(Orchestrator(OrchestratorSettings(), {AssistantKind.LEDGER: Broken()}).run())
