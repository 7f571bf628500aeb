"""Training material: what was said, masked, with what became of it. Only where the tenant consents.

A sentence is held back for one turn, in the conversation's state, since only the next message tells whether
it was understood: who corrects or takes back says so. Then it is kept, and nothing leads from it to the
person, the message or the minute.
"""

import re
from collections.abc import Iterable, Sequence

from munshi.contracts.assistant import AmendEntry, Effect, KeepSample, RemoveEntry, SampleOutcome
from munshi.contracts.ids import MessageID
from munshi.contracts.understanding import Category, Understanding
from munshi_orchestrator.assistants.ledger.books import Books, message_of
from munshi_orchestrator.assistants.ledger.desk import token
from munshi_orchestrator.assistants.ledger.state import MOST_KEPT, Heard, Settled, State
from munshi_orchestrator.assistants.ledger.understand import Reading, all_of

_FIELDS = ("customer_name", "amount", "category", "occurred_on")
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
_LETTERS = re.compile(r"[^\W\d_]+(?:[\u0900-\u0963]+[^\W\d_]*)*")
_MOST_ENTRIES = 5
"""Drafts of one message that are looked at for its outcome."""


async def gather(
    state: State, readings: Sequence[Reading], books: Books, person_name: str | None
) -> tuple[KeepSample, ...]:
    """What is to be kept by this turn; what it only now heard goes into the state. Call it last."""
    fresh = [heard for reading in readings if (heard := _heard(reading)) is not None]
    if fresh:
        names = _words([person_name or "", *(customer.name for customer in await books.customers())])
        fresh = [heard for heard in fresh if not names & _words([heard.text])]
    kept: list[KeepSample] = []
    still: list[Heard] = []
    for heard in state.heard:
        if _waits(state, heard):
            still.append(heard)
        else:
            kept.append(_sample(state, heard, books.effects))
    for heard in fresh:
        # corrected by a later message of the same turn
        told = _sample(state, heard, books.effects)
        if told.outcome is SampleOutcome.KEPT or _waits(state, heard):
            still.append(heard)
        else:
            kept.append(told)
    state.heard = still[-MOST_KEPT:]
    return tuple(kept)


def _heard(reading: Reading) -> Heard | None:
    """A reading that may be kept: masked by the engine, and holding nothing that was found in it."""
    understanding = reading.understanding
    text = understanding.masked
    if not text or any(char.isnumeric() for char in text):
        return None
    if _words(_named(understanding)) & _words([text]):
        return None
    return Heard(
        message_id=reading.said.message_id,
        text=text,
        intent=understanding.intent,
        confidence=round(understanding.confidence, 3),
        category=understanding.entities.category,
        language=understanding.language,
    )


def _named(understanding: Understanding) -> Iterable[str]:
    for one in all_of(understanding):
        yield one.entities.customer_name or ""
        yield one.entities.invoice_no or ""


def _words(texts: Iterable[str]) -> set[str]:
    """Words of texts as they are compared; placeholders are none."""
    return {word for text in texts for word in _LETTERS.findall(_PLACEHOLDER.sub(" ", text.casefold()))}


def _waits(state: State, heard: Heard) -> bool:
    """Whether a question that it raised is still open."""
    return any(draft.message_id == heard.message_id for draft in state.drafts)


def _sample(state: State, heard: Heard, effects: Sequence[Effect]) -> KeepSample:
    made = state.links.get(heard.message_id)
    refs = set(made.refs) if made is not None and made.began else set()
    mine = [
        effect
        for effect in effects
        if isinstance(effect, AmendEntry | RemoveEntry)
        and (effect.ref in refs or message_of(effect.ref) == heard.message_id)
    ]
    amended = [effect for effect in mine if isinstance(effect, AmendEntry)]
    changed = [field for field in _FIELDS if any(getattr(effect, field) is not None for effect in amended)]
    return KeepSample(
        text=heard.text,
        intent=heard.intent,
        confidence=heard.confidence,
        category=_category(heard, amended),
        language=heard.language,
        outcome=_outcome(state, heard, bool(amended), len(mine) > len(amended)),
        changed=tuple(changed),
    )


def _category(heard: Heard, amended: Sequence[AmendEntry]) -> Category | None:
    said = [effect.category for effect in amended if effect.category is not None]
    return said[-1] if said else heard.category


def _outcome(state: State, heard: Heard, amended: bool, removed: bool) -> SampleOutcome:
    if removed:
        return SampleOutcome.UNDONE
    if amended:
        return SampleOutcome.CORRECTED
    drafts = [_draft(heard.message_id, number) for number in range(1, _MOST_ENTRIES + 1)]
    if any(state.settled.get(draft) is Settled.DROPPED for draft in drafts):
        return SampleOutcome.DROPPED
    return SampleOutcome.KEPT


def _draft(message_id: MessageID, number: int) -> str:
    return token(f"{message_id}#{number}")
