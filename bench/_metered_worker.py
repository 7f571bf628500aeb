"""The real orchestrator with a meter on its assistants.

Counts the CPU that each turn's graph takes while the worker is under load, step by step of its coroutine, so
that what runs in between is not counted. At the end `{"turns", "graph_ms", "turn_ms"}` goes to the file
`BENCH_METER`; `turn_ms` is all CPU of the process from the first turn on, a turn.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import uvloop

from munshi.contracts.assistant import Assistant, TurnInput, TurnOutcome
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import Understander
from munshi_orchestrator import main as orchestrator
from munshi_orchestrator.settings import OrchestratorSettings

_METER: ContextVar[Callable[[float], None] | None] = ContextVar("meter", default=None)


class _Metered:
    """Awaits something and reports the CPU of its own steps."""

    def __init__(self, work: Awaitable[Any], spent: Callable[[float], None]) -> None:
        self._work = work
        self._spent = spent

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        answer: Any = None
        while True:
            began = time.thread_time()
            try:
                awaited = steps.send(answer)
            except StopIteration as end:
                return end.value
            finally:
                self._spent(time.thread_time() - began)
            answer = yield awaited


async def _metered(work: Awaitable[Any], spent: Callable[[float], None]) -> Any:
    return await _Metered(work, spent)


def _task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
    """A task; metered where it was started by something that is."""
    spent = _METER.get()
    return asyncio.Task(work if spent is None else _metered(work, spent), loop=loop, **options)


class MeteredAssistant:
    """An assistant whose turns are counted."""

    def __init__(self, inner: Assistant) -> None:
        self._inner = inner
        self.turns = 0
        self.seconds = 0.0
        self.began: float | None = None
        """CPU that the process had taken when its first turn began."""

    async def turn(self, given: TurnInput) -> TurnOutcome:
        """The inner assistant's turn, the tasks that its graph starts included."""
        self.turns += 1
        if self.began is None:
            self.began = time.process_time()
        token = _METER.set(self._add)
        try:
            outcome: TurnOutcome = await _Metered(self._inner.turn(given), self._add)
            return outcome
        finally:
            _METER.reset(token)

    def _add(self, seconds: float) -> None:
        self.seconds += seconds


async def main() -> None:
    """Runs one worker until SIGTERM, then writes what was counted."""
    metered: list[MeteredAssistant] = []
    plain = orchestrator.build_assistants

    def build(engine: Understander) -> Mapping[AssistantKind, Assistant]:
        for kind, assistant in (built := dict(plain(engine))).items():
            metered.append(MeteredAssistant(assistant))
            built[kind] = metered[-1]
        return built

    orchestrator.build_assistants = build
    asyncio.get_running_loop().set_task_factory(_task)
    try:
        await orchestrator.serve(OrchestratorSettings())
    finally:
        turns = max(1, sum(one.turns for one in metered))
        graph = sum(one.seconds for one in metered)
        whole = time.process_time() - min((one.began for one in metered if one.began), default=0.0)
        result = {"turns": turns, "graph_ms": graph / turns * 1e3, "turn_ms": whole / turns * 1e3}
        await asyncio.to_thread(Path(os.environ["BENCH_METER"]).write_text, json.dumps(result))


if __name__ == "__main__":
    uvloop.run(main())
