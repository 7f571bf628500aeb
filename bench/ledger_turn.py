"""CPU of a Ledger turn against that of its own LangGraph run with empty nodes, both in one process.

Understanding included, database not: the reader answers from memory. Prints milliseconds of CPU a turn
(median of runs), the ratio, and turns a second on one core.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypedDict

from langgraph.channels import EphemeralValue
from langgraph.graph import END, START, StateGraph
from langgraph.pregel import Pregel

from munshi.contracts.assistant import Assistant, Customer, TurnInput, TurnOutcome
from munshi.contracts.tenant import AssistantKind
from munshi_orchestrator.assistants import build
from munshi_orchestrator.assistants.ledger.graph import last_value, node

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from ledger.engine import real_engine
from ledger.shop import Shop

RUNS, TURNS = 5, 200
TALK = [
    "Ramesh ko 500 ka maal udhaar diya",
    "Ramesh ka kitna baaki hai?",
    "nahi, 600 tha",
    "aaj ka total",
    "undo",
]
"""One of each kind of work: an entry, a balance, a correction, a total, an undo."""


class _Empty(TypedDict, total=False):
    given: Any
    kept: Any
    readings: Any
    effects: Any
    answers: Any
    outcome: Any


async def _understand(state: _Empty) -> _Empty:
    return {"readings": len(state), "kept": 1}


async def _act(state: _Empty) -> _Empty:
    return {"effects": len(state), "answers": 1}


async def _reply(state: _Empty) -> _Empty:
    return {"outcome": len(state)}


def _plain() -> Callable[[], Awaitable[Any]]:
    """The same turn in the usual way: three functions in a `StateGraph`, with nothing in them."""
    graph: StateGraph[_Empty, None, _Empty, _Empty] = StateGraph(_Empty)
    graph.add_node("understand", _understand)
    graph.add_node("act", _act)
    graph.add_node("reply", _reply)
    graph.add_edge(START, "understand")
    graph.add_edge("understand", "act")
    graph.add_edge("act", "reply")
    graph.add_edge("reply", END)
    compiled = graph.compile()
    return lambda: compiled.ainvoke({"given": 1})


async def _nothing(given: int) -> int:
    return given


def _bare() -> Callable[[], Awaitable[Any]]:
    """The Ledger's graph with nothing in its nodes."""
    graph: Pregel[Any, None, Any, Any] = Pregel(
        nodes={
            "understand": node(_nothing, "given", "understood"),
            "answer": node(_nothing, "understood", "outcome"),
        },
        channels={name: EphemeralValue(int) for name in ("given", "understood", "outcome")},
        input_channels="given",
        output_channels="outcome",
    )
    return lambda: last_value(graph, 1, "outcome")


class _Timed:
    """An assistant whose turns are timed, without what the shop around it does."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.spent = 0.0

    async def turn(self, given: TurnInput) -> TurnOutcome:
        began = time.process_time()
        outcome = await self._assistant.turn(given)
        self.spent += time.process_time() - began
        return outcome


async def _ledger(names: int) -> float:
    """Milliseconds of CPU a turn of a talk, played again and again in books with a number of customers."""
    timed = _Timed(build(AssistantKind.LEDGER, real_engine()))
    shop = Shop(timed)
    shop.books.names = [Customer(id=i, name=f"Grahak {chr(97 + i % 26)}{i}") for i in range(1, names + 1)]
    runs = []
    for run in range(RUNS + 1):
        timed.spent = 0.0
        turns = TURNS if run else len(TALK)
        for at in range(turns):
            await shop.say(TALK[at % len(TALK)])
        runs.append(timed.spent / turns * 1000)
    return statistics.median(runs[1:])


async def _empty(work: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds of CPU a run of an empty graph."""
    runs = []
    for run in range(RUNS + 1):
        began = time.process_time()
        for _ in range(TURNS if run else 50):
            await work()
        runs.append((time.process_time() - began) / TURNS * 1000)
    return statistics.median(runs[1:])


async def main() -> None:
    bare = await _empty(_bare())
    result: dict[str, float] = {
        "three_functions_ms": round(await _empty(_plain()), 3),
        "bare_langgraph_ms": round(bare, 3),
    }
    for names in (100, 5000):
        turn = await _ledger(names)
        result[f"turn_ms_{names}_customers"] = round(turn, 3)
        result[f"ratio_{names}_customers"] = round(turn / bare, 2)
        result[f"turns_per_second_{names}_customers"] = round(1000 / turn)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
