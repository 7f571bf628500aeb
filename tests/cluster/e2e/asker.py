"""Runs inside an orchestrator's pod, by the image's Python, the pod's own settings, keys and database.

Asks the language models as the platform's chain does; prints a line of JSON for each answer, last what the
tenant's records hold. Its argument is JSON: `tenant` (its key), `asked` (a list of `how` and `text`) and
`budget` in dollars. `how` is `words`, `shape`, `stream`, or `until it breaks`: streams until one breaks off.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import BaseModel, Field

from munshi.cells import load_cells
from munshi.contracts.ids import TenantKey
from munshi.contracts.llm import ChatMessage, Prompt, Terms
from munshi.db.connection import open_pool
from munshi.db.model_calls import ModelCalls
from munshi.errors import Retryable
from munshi.llm.chain import ModelChain
from munshi.llm.metrics import Metrics
from munshi.llm.settings import LlmSettings

GIVEN = json.loads(sys.argv[1])
TENANT = TenantKey(GIVEN["tenant"])


class Mood(BaseModel):
    """A shape that any model can be held to."""

    mood: str = Field(max_length=8)
    score: int = Field(ge=0, le=9)


def prompt(text: str, tokens: int) -> Prompt:
    """A question of the tenant's."""
    terms = Terms(monthly_budget=Decimal(GIVEN["budget"]))
    return Prompt(TENANT, "test", (ChatMessage("user", text),), terms=terms, most_tokens=tokens, seconds=240)


async def ask(chain: ModelChain, how: str, text: str) -> Any:
    """One question; what came back."""
    if how == "words":
        answer = await chain.answer(prompt(text, 32))
        return {"text": answer.text, "tokens": [answer.spent.prompt_tokens, answer.spent.completion_tokens]}
    if how == "shape":
        shaped = await chain.shaped(prompt(text, 300), Mood)
        return {"score": shaped.value.score}
    try:
        while True:
            pieces = [piece async for piece in chain.stream(prompt(text, 32 if how == "stream" else 700))]
            if how == "stream":
                return {"pieces": len(pieces)}
    except Retryable as error:
        return {"broke": str(error)}


async def main() -> None:
    """Asks all, then tells what the tenant's records hold of this month."""
    settings = LlmSettings()
    (cell,) = load_cells(Path("/etc/munshi/cells")).values()
    assert cell.database_url is not None
    pool = await open_pool(cell.database_url, name="asker", size=2)
    calls = ModelCalls(pool)
    metrics = Metrics(CollectorRegistry())
    chain = ModelChain(settings.llm_models, calls, metrics, cell.sealing_key, settings.llm_keys_dir)
    try:
        for one in GIVEN["asked"]:
            try:
                told = await ask(chain, one["how"], one["text"])
            except Retryable as error:
                told = {"failed": str(error)}
            print(json.dumps(told), flush=True)  # noqa: T201 # what the test reads
        month = datetime.now(UTC).date().replace(day=1)
        costs = {cost.model: cost for cost in await calls.costs(TENANT, month)}
        mine = costs.get(settings.llm_models[0].name)
        kept = [mine.calls, mine.prompt_tokens, mine.completion_tokens, str(mine.dollars)] if mine else None
        print(json.dumps({"kept": kept}))  # noqa: T201
    finally:
        await chain.close()
        await pool.close()


asyncio.run(main())
