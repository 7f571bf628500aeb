"""The Ledger's turn as a graph: understand, then answer. Few fat nodes: a node costs more than its work.

The graph computes and keeps nothing: it runs without a checkpointer, and the outcome holds what is kept. It
is put together from LangGraph's own `Pregel` and `NodeBuilder`: the run is that of a `StateGraph`, less the
step that spreads the input over channels, less the traced run of each function and of its sequence with what
writes its result, and less the stream of updates that `ainvoke` reads beside the values. Together they are
more than half of its CPU (`docs/benchmarks.md`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

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

if TYPE_CHECKING:
    from langgraph.pregel._read import PregelNode

Given = TypeVar("Given")
Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class Understood:
    """What goes from the first node to the second."""

    given: TurnInput
    kept: State
    readings: tuple[Reading, ...]


class _Node(Runnable[Given, Got], Generic[Given, Got]):
    """A coroutine function and the writer of its result, called as they are: apart from each other LangGraph
    would run them as a traced sequence, each in a task of its own."""

    def __init__(self, work: Callable[[Given], Awaitable[Got]], write: Runnable[Got, Got]) -> None:
        self._work = work
        self._write = write

    def invoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Got:  # noqa: A002, ARG002 - the base's names
        raise TypeError("a turn runs in an event loop only")

    async def ainvoke(self, input: Given, config: RunnableConfig | None = None, **kwargs: Any) -> Got:  # noqa: A002, ARG002 - the base's names
        return self._write.invoke(await self._work(input), config)


def node(work: Callable[[Given], Awaitable[Got]], reads: str, writes: str) -> "PregelNode":
    """A node that works on what comes into one channel and writes what it gives back into another."""
    built = NodeBuilder().subscribe_only(reads).write_to(writes).build()
    (write,) = built.writers
    return built.copy({"bound": _Node(work, write), "writers": []})


async def last_value(graph: Pregel[Any, None, Any, Any], given: Any, channel: str) -> Any:
    """Runs a graph; gives back what a channel held last."""
    values = graph.astream(given, stream_mode="values", output_keys=channel)
    return [value async for value in values][-1]


class LedgerAssistant:
    """The bookkeeping assistant. One graph serves every turn of every tenant."""

    def __init__(self, understander: Understander) -> None:
        self._understander = understander
        self._graph: Pregel[TurnInput, None, TurnInput, TurnOutcome] = Pregel(
            nodes={
                "understand": node(self._understand, "given", "understood"),
                "answer": node(_answer, "understood", "outcome"),
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
        return cast("TurnOutcome", await last_value(self._graph, given, "outcome"))

    async def _understand(self, given: TurnInput) -> Understood:
        kept = State.load(given.state)
        kept.expire(given.now)
        return Understood(given, kept, await read_all(self._understander, given, kept))


async def _answer(understood: Understood) -> TurnOutcome:
    given, kept, readings = understood.given, understood.kept, understood.readings
    books = Books(given.reader)
    answers = []
    spoken = given.voice_replies
    for reading in readings:
        desk = Desk(
            given=given,
            state=kept,
            books=books,
            said=reading.said,
            understanding=reading.understanding,
            voice=Voice(Writing.of(reading.language)),
            answer=Answer(quotes=reading.said.message_id),
            origin_id=reading.origin,
        )
        await hear(desk)
        spoken = desk.spoken if desk.spoken is not None else spoken
        desk.answer.spoken = desk.voice.tag if spoken else None
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
