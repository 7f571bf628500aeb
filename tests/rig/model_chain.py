"""A chain of language models over scripted ones, with its spending in memory."""

import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from munshi.contracts.ids import TenantKey
from munshi.contracts.llm import ChatMessage, Prompt
from munshi.llm.chain import ModelChain
from munshi.llm.metrics import Metrics
from munshi.llm.settings import ModelSettings
from rig.scripted_llm import Scripted

SHARMA, VERMA = TenantKey("shops_sharma"), TenantKey("shops_verma")


class Book:
    """Spending in memory: what PostgreSQL's passes in `tests/db/test_model_calls.py`."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    async def begin(
        self, tenant: TenantKey, purpose: str, model: str, estimate: Decimal, budget: Decimal | None
    ) -> int | None:
        if budget is not None and await self.used(tenant) + estimate > budget:
            return None
        self.calls.append({"tenant": tenant, "purpose": purpose, "model": model, "estimate": estimate})
        return len(self.calls) - 1

    async def end(
        self,
        tenant: TenantKey,
        call: int,
        prompt_tokens: int,
        completion_tokens: int,
        dollars: Decimal,
        outcome: str,
    ) -> None:
        assert self.calls[call]["tenant"] == tenant
        self.calls[call] |= {
            "tokens": (prompt_tokens, completion_tokens),
            "dollars": dollars,
            "outcome": outcome,
        }

    async def used(self, tenant: TenantKey) -> Decimal:
        spent = (call.get("dollars", call["estimate"]) for call in self.calls if call["tenant"] == tenant)
        return sum(spent, Decimal(0))


@contextlib.asynccontextmanager
async def chain(
    *models: Scripted, book: Book | None = None, keys: Path | None = None, **settings: Any
) -> AsyncIterator[tuple[ModelChain, CollectorRegistry]]:
    """A chain over scripted models, named m1, m2, …"""
    registry = CollectorRegistry()
    known = [
        ModelSettings(
            **{
                "name": f"m{number}",
                "url": model.url,
                "model": f"scripted-{number}",
                "prompt_price": "1",
                "completion_price": "10",
                **settings,
            }
        )
        for number, model in enumerate(models, 1)
    ]
    made = ModelChain(known, book or Book(), Metrics(registry), b"0123456789abcdef", keys)
    try:
        yield made, registry
    finally:
        await made.close()


def prompt(text: str = "What does Ramesh owe?", **changes: Any) -> Prompt:
    """A question of Sharma's, and what `changes` say otherwise."""
    system = ChatMessage("system", "You keep books.")
    return Prompt(
        **{"tenant": SHARMA, "purpose": "test", "messages": (system, ChatMessage("user", text)), **changes}
    )
