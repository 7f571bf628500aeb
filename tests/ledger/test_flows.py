"""Every flow of the Ledger with a scripted engine: exact, and independent of the model."""

from typing import Any

import pytest

from munshi.contracts.tenant import AssistantKind
from munshi_orchestrator.assistants import build

from .play import play, table
from .scripted import Scripted
from .shop import Shop

FLOWS = table("flows.yaml") + table("media.yaml")


@pytest.mark.parametrize("flow", FLOWS, ids=[flow["name"] for flow in FLOWS])
async def test_flow(flow: dict[str, Any]) -> None:
    scripted = Scripted()
    await play(Shop(build(AssistantKind.LEDGER, scripted)), flow, scripted)


@pytest.mark.parametrize("heard_as", ["hi", "hinglish", "en"])
@pytest.mark.parametrize("flow", FLOWS, ids=[flow["name"] for flow in FLOWS])
async def test_the_books_come_out_the_same_in_every_writing(flow: dict[str, Any], heard_as: str) -> None:
    scripted = Scripted()
    await play(Shop(build(AssistantKind.LEDGER, scripted)), flow, scripted, heard_as)
