"""langsmith comes with LangGraph: it tells nobody anything, even where the environment asks it to."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from orchestrator.stage import Stage

GRAPH = """
from langchain_core.tracers.langchain import wait_for_all_tracers
from langgraph.graph import END, START, StateGraph
graph = StateGraph(dict)
graph.add_node("one", lambda state: state)
graph.add_edge(START, "one")
graph.add_edge("one", END)
graph.compile().invoke({"a": 1})
wait_for_all_tracers()
"""


class Trap:
    """Stands where langsmith would send its traces; counts who comes."""

    def __init__(self, url: str) -> None:
        """At `url`, nobody yet."""
        self.url = url
        self.visits = 0

    @property
    def environment(self) -> dict[str, str]:
        """Asks for everything to be traced, and told here."""
        asked = {"TRACING": "true", "TRACING_V2": "true", "API_KEY": "key", "ENDPOINT": self.url}
        return {
            f"{prefix}_{name}": value
            for prefix in ("LANGSMITH", "LANGCHAIN")
            for name, value in asked.items()
        }


@asynccontextmanager
async def trap() -> AsyncIterator[Trap]:
    made = Trap("")

    def visited(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.visits += 1
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()


async def test_the_trap_catches_a_graph_that_is_not_silenced() -> None:
    async with trap() as made:
        environment = {**os.environ, **made.environment}
        await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", GRAPH], env=environment, check=True, capture_output=True
        )
        assert made.visits > 0


async def test_a_worker_tells_langsmith_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with trap() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        worker = stage.worker()
        for text in ("Ramesh ko 500 udhaar diya", "Ramesh ka kitna baaki hai?"):
            await stage.say(text)
        await stage.replies(2)
        assert await asyncio.to_thread(worker.stop) == 0
        assert made.visits == 0
