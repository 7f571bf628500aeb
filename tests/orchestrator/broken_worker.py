"""A worker whose assistant has a defect: `boom` raises, `crash` ends the process; all else is echoed.

`held` is echoed once the test says so: where `GATE` names a folder, the turn makes an empty file there with
the message's id and goes on when there is one named `open`.

`python -m orchestrator.broken_worker`: the real orchestrator, composed with another assistant.
"""

import asyncio
import os
from pathlib import Path

from munshi.contracts.assistant import Reply, TurnInput, TurnOutcome
from munshi.contracts.tenant import AssistantKind
from munshi.tasks import until_signal
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
        if text == "held" and (gate := os.environ.get("GATE")):
            await _held(Path(gate), given.said[-1].message_id)
        return TurnOutcome(state={}, replies=(Reply(text=text, quotes=given.said[-1].message_id),))


async def _held(gate: Path, name: str) -> None:
    await asyncio.to_thread(gate.joinpath(name).touch)
    while not await asyncio.to_thread(gate.joinpath("open").exists):
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    configure("orchestrator")
    orchestrator = Orchestrator(OrchestratorSettings(), {AssistantKind.LEDGER: Broken()})
    asyncio.run(until_signal(orchestrator.run()))
