"""Whole conversations through the public port with the real engine."""

from typing import Any

import pytest

from munshi.contracts.tenant import AssistantKind
from munshi_orchestrator.assistants import build

from .engine import real_engine
from .play import play, table
from .shop import Shop

CONVERSATIONS = table("conversations.yaml")


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=[one["name"] for one in CONVERSATIONS])
async def test_conversation(conversation: dict[str, Any]) -> None:
    await play(Shop(build(AssistantKind.LEDGER, real_engine())), conversation)
