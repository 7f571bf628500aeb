"""The Ledger's turn as a graph: understand, act, reply. Few fat nodes: a node costs more than its work.

The graph computes and keeps nothing: it runs without a checkpointer, and the outcome holds what is kept.
"""

from typing import Any, TypedDict, cast

from langgraph.graph import END, START, StateGraph

from munshi.contracts.assistant import Effect, Reply, TurnInput, TurnOutcome
from munshi.contracts.understanding import Language, Understander
from munshi_orchestrator.assistants.ledger.answer import Answer
from munshi_orchestrator.assistants.ledger.books import Books
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.hear import hear
from munshi_orchestrator.assistants.ledger.language import first_of
from munshi_orchestrator.assistants.ledger.phrases import Voice, Writing
from munshi_orchestrator.assistants.ledger.state import State
from munshi_orchestrator.assistants.ledger.understand import Reading, read_all


class TurnState(TypedDict, total=False):
    """What flows through the graph."""

    given: TurnInput
    readings: tuple[Reading, ...]
    kept: State
    effects: tuple[Effect, ...]
    answers: tuple[Answer, ...]
    outcome: TurnOutcome


class LedgerAssistant:
    """The bookkeeping assistant. One compiled graph serves every turn of every tenant."""

    def __init__(self, understander: Understander) -> None:
        self._understander = understander
        graph: StateGraph[TurnState, None, TurnState, TurnState] = StateGraph(TurnState)
        graph.add_node("understand", self._understand)
        graph.add_node("act", _act)
        graph.add_node("reply", _reply)
        graph.add_edge(START, "understand")
        graph.add_edge("understand", "act")
        graph.add_edge("act", "reply")
        graph.add_edge("reply", END)
        self._graph = graph.compile()

    async def turn(self, given: TurnInput) -> TurnOutcome:
        """Computes one turn; see `munshi.contracts.assistant.Assistant`."""
        done = cast("dict[str, Any]", await self._graph.ainvoke({"given": given}))
        return cast("TurnOutcome", done["outcome"])

    async def _understand(self, state: TurnState) -> TurnState:
        given = state["given"]
        kept = State.load(given.state)
        kept.expire(given.now)
        return {"kept": kept, "readings": await read_all(self._understander, given, kept)}


async def _act(state: TurnState) -> TurnState:
    given, kept = state["given"], state["kept"]
    books = Books(given.reader)
    answers = []
    for reading in state["readings"]:
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
    return {"effects": tuple(books.effects), "answers": tuple(answers)}


async def _reply(state: TurnState) -> TurnState:
    replies: list[Reply] = [reply for answer in state["answers"] for reply in answer.replies()]
    outcome = TurnOutcome(
        state=state["kept"].dump(),
        effects=state["effects"],
        replies=tuple(replies),
        language=_language(state),
    )
    return {"outcome": outcome}


def _language(state: TurnState) -> Language:
    readings, given = state["readings"], state["given"]
    return readings[-1].language if readings else given.language or first_of(given, None)
