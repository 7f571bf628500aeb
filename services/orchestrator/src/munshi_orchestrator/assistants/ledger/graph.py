"""The Ledger's turn as a graph: understand, then answer. Few fat nodes: a node costs more than its work.

The graph computes and keeps nothing: it runs without a checkpointer, and the outcome holds what is kept. It
is put together from LangGraph's own `Pregel` and `NodeBuilder`: the run is that of a `StateGraph`, less the
step that spreads the input over channels, and less the traced run around each plain function, which together
are half of its CPU (`docs/benchmarks.md`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.channels import EphemeralValue
from langgraph.pregel import NodeBuilder, Pregel

from munshi.contracts.assistant import KeepSample, TurnInput, TurnOutcome
from munshi.contracts.understanding import Understander
from munshi_orchestrator.assistants.ledger import samples
from munshi_orchestrator.assistants.ledger.answer import Answer
from munshi_orchestrator.assistants.ledger.books import Books
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.hear import hear
from munshi_orchestrator.assistants.ledger.language import first_of
from munshi_orchestrator.assistants.ledger.phrases import Voice, Writing
from munshi_orchestrator.assistants.ledger.state import State
from munshi_orchestrator.assistants.ledger.understand import Reading, read_all

Given = TypeVar("Given")
Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class Understood:
    """What goes from the first node to the second."""

    given: TurnInput
    kept: State
    readings: tuple[Reading, ...]


class _Node(Runnable[Given, Got], Generic[Given, Got]):
    """A coroutine function as a node, called as it is: a plain function would get a traced run of its own."""

    def __init__(self, work: Callable[[Given], Awaitable[Got]]) -> None:
        self._work = work

    def invoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Got:  # noqa: A002, ARG002 - the base's names
        raise TypeError("a turn runs in an event loop only")

    async def ainvoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Got:  # noqa: A002, ARG002 - the base's names
        return await self._work(input)


class LedgerAssistant:
    """The bookkeeping assistant. One graph serves every turn of every tenant."""

    def __init__(self, understander: Understander) -> None:
        self._understander = understander
        self._graph: Pregel[TurnInput, None, TurnInput, TurnOutcome] = Pregel(
            nodes={
                "understand": NodeBuilder()
                .subscribe_only("given")
                .do(_Node(self._understand))
                .write_to("understood"),
                "answer": NodeBuilder().subscribe_only("understood").do(_Node(_answer)).write_to("outcome"),
            },
            channels={
                "given": EphemeralValue(TurnInput),
                "understood": EphemeralValue(Understood),
                "outcome": EphemeralValue(TurnOutcome),
            },
            input_channels="given",
            output_channels="outcome",
        )

    async def turn(self, given: TurnInput) -> TurnOutcome:
        """Computes one turn; see `munshi.contracts.assistant.Assistant`."""
        return cast("TurnOutcome", await self._graph.ainvoke(given))

    async def _understand(self, given: TurnInput) -> Understood:
        kept = State.load(given.state)
        kept.expire(given.now)
        return Understood(given, kept, await read_all(self._understander, given, kept))


async def _answer(understood: Understood) -> TurnOutcome:
    given, kept, readings = understood.given, understood.kept, understood.readings
    books = Books(given.reader)
    answers = []
    for reading in readings:
        desk = Desk(
            given=given,
            state=kept,
            books=books,
            said=reading.said,
            understanding=reading.understanding,
            voice=Voice(Writing.of(reading.language)),
            answer=Answer(quotes=reading.said.message_id),
        )
        await hear(desk)
        answers.append(desk.answer)
    kept_samples: tuple[KeepSample, ...] = ()
    if given.spec.ledger is not None and given.spec.ledger.keep_training_material:
        kept_samples = await samples.gather(kept, readings, books, given.person_name)
    else:
        kept.heard.clear()
    return TurnOutcome(
        state=kept.dump(),
        effects=(*books.effects, *kept_samples),
        replies=tuple(reply for answer in answers for reply in answer.replies()),
        language=readings[-1].language if readings else given.language or first_of(given, None),
    )
