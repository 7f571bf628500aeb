"""Which customer of the books a written name means: linked, asked about, or new."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from munshi.contracts.assistant import Customer
from munshi_orchestrator.assistants.ledger.names import key

ASK_FROM = 83
"""Measured: below it, different names (Ramesh and Rakesh: 80) begin to meet."""
NEAR_FROM = 60
"""For "did you mean": a suggestion may be far off, a link may not."""
MOST = 3


@dataclass(frozen=True, slots=True)
class Link:
    """Surely this customer."""

    customer: Customer


@dataclass(frozen=True, slots=True)
class Ask:
    """Perhaps one of these; the likeliest first."""

    candidates: tuple[Customer, ...]


@dataclass(frozen=True, slots=True)
class New:
    """Nobody of the books."""


Match = Link | Ask | New


def match(name: str, customers: Sequence[Customer]) -> Match:
    """An equal key links silently, unless several have it; what is only similar is asked about."""
    for customer in customers:  # the usual case by plain comparison: the most recently used come first
        if customer.name == name:
            return Link(customer)
    wanted = key.both(name)
    same: list[Customer] = []
    for customer in customers:
        for spelling in (customer.name, *customer.aliases):
            folded, strict = key.both(spelling)
            if folded == wanted[0]:
                return Link(customer)
            if strict == wanted[1] and strict:
                same.append(customer)
                break
    if len(same) == 1:
        return Link(same[0])
    candidates = tuple(same[:MOST]) or _similar(name, customers, ASK_FROM)
    return Ask(candidates) if candidates else New()


def near(name: str, customers: Sequence[Customer]) -> tuple[Customer, ...]:
    """Names of the books that a misspelled one may have meant."""
    return _similar(name, customers, ASK_FROM) or _similar(name, customers, NEAR_FROM)


def _similar(name: str, customers: Sequence[Customer], cutoff: float) -> tuple[Customer, ...]:
    wanted, wanted_loose, wanted_words = key.strict(name), key.loose(name), frozenset(key.words(name))
    if not wanted:
        return ()
    scores: dict[int, float] = {}
    strict_keys = [key.strict(customer.name) for customer in customers]
    for _, _, place in process.extract(
        wanted, strict_keys, scorer=fuzz.ratio, score_cutoff=min(cutoff, ASK_FROM) - 8, limit=20
    ):
        score = _word_by_word(wanted, strict_keys[place])
        if score >= cutoff:
            scores[place] = score
    for place, customer in enumerate(customers):
        theirs = frozenset(strict_keys[place].split())
        if theirs and (theirs < wanted_words or wanted_words < theirs):
            scores[place] = max(scores.get(place, 0), 90 + len(theirs & wanted_words))
        elif key.loose(customer.name) == wanted_loose:
            scores[place] = max(scores.get(place, 0), 99)
    best = sorted(scores, key=lambda place: (-scores[place], place))[:MOST]
    return tuple(customers[place] for place in best)


def _word_by_word(one: str, other: str) -> float:
    """The worst of the words: Ramesh Kumar and Rakesh Kumar differ as much as Ramesh and Rakesh do."""
    ours, theirs = one.split(), other.split()
    if len(ours) != len(theirs):
        return fuzz.ratio(one.replace(" ", ""), other.replace(" ", ""))
    return min(fuzz.ratio(left, right) for left, right in zip(ours, theirs, strict=True))
