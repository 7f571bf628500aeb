"""Puts the vectors into what is to be remembered by likeness. Assistants say what a fact is about and compute
none themselves."""

from munshi.contracts.assistant import Remember, TurnOutcome
from munshi.contracts.ids import TenantKey
from munshi.contracts.media import Embedder
from munshi.errors import Permanent, Retryable


async def with_vectors(embedder: Embedder | None, tenant: TenantKey, outcome: TurnOutcome) -> TurnOutcome:
    """The outcome, its facts with vectors. While the engine is away they are kept without: what is told anew
    has one then, and no turn waits."""
    facts = [effect for effect in outcome.effects if isinstance(effect, Remember) and effect.about]
    if not facts or embedder is None:
        return outcome
    try:
        vectors = await embedder.embed(tuple(fact.about or "" for fact in facts), tenant)
    except (Permanent, Retryable):
        return outcome
    model = embedder.info().model
    found = {
        id(fact): fact.model_copy(update={"embedding": vector, "model": model})
        for fact, vector in zip(facts, vectors, strict=True)
    }
    return outcome.model_copy(update={"effects": tuple(found.get(id(e), e) for e in outcome.effects)})
