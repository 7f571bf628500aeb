"""The in-process engine of understanding: `load()` gives an `Understander` over the newest model."""

import math
from collections.abc import Sequence
from datetime import date
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from munshi.contracts.understanding import (
    Category,
    Entities,
    Intent,
    Language,
    Request,
    Script,
    Understander,
    Understanding,
)
from munshi_inference.language.script import script_of
from munshi_inference.nlu import assembly, repository
from munshi_inference.nlu.assembly import Labelled
from munshi_inference.nlu.masking import mask
from munshi_inference.nlu.repository import LedgerModel, Scores
from munshi_inference.nlu.units import Reading, read

LEAST_CATEGORY = 0.5
"""A category less probable than this, of those there are, is left out, so that it is asked for."""
MOST_UNDECIDED = 0.75
"""Where "no category said" is likelier than this, none is given."""
UNDECIDED = "none"
"""The classifier's word for a sentence that decides no category."""
_DATED = frozenset({"day", "period"})
"""Kinds of units that name a date."""
_HINDI = Language(tag="hi", script=Script.DEVANAGARI, confidence=1.0)
MOST_GUESSED = 0.6
"""Confidence at most where an entry's amount is the one number there, which the tagger took for no money:
chatter that counts something looks like that."""


class _Said(NamedTuple):
    """What all entries of a text have in common."""

    intent: Intent
    confidence: float
    language: Language
    today: date


class LedgerEngine:
    """Reads texts with one loaded model. No I/O and no state between texts."""

    def __init__(self, model: LedgerModel) -> None:
        self.model = model
        self._intents = tuple(Intent(name) for name in model.intents)
        self._day = self._intents.index(Intent.QUERY_TOTAL_DAY)
        self._period = self._intents.index(Intent.QUERY_TOTAL_PERIOD)
        self._undecided = model.categories.index(UNDECIDED)
        self._decided = [i for i in range(len(model.categories)) if i != self._undecided]

    async def understand(self, request: Request) -> Understanding:
        """Reads one text; never raises for a text."""
        return self.read(request)

    def read(self, request: Request) -> Understanding:
        """The same, for callers without an event loop."""
        return self.read_with_joint([request])[0][0]

    def read_with_joint(self, requests: Sequence[Request]) -> list[tuple[Understanding, float]]:
        """The reading of each text, and the joint probability of its parts before it is put on the scale of
        confidence. Several at once cost less than one by one: their sums are made together."""
        readings = [read(request.text, request.today) for request in requests]
        known = [reading for reading in readings if reading.units]
        tagged = self._tag(known) if known else []
        labelled = [Labelled(one, tuple(labels)) for one, (labels, _) in zip(known, tagged, strict=True)]
        scored = iter(zip(labelled, tagged, self._classify(labelled) if known else [], strict=True))
        found = []
        for request, reading in zip(requests, readings, strict=True):
            if reading.units:
                one, (_, certainty), scores = next(scored)
                found.append(self._assembled(request, one, certainty, scores))
            else:
                found.append((Understanding(text=request.text, intent=Intent.OTHER, confidence=0.0), 0.0))
        return found

    def _assembled(
        self, request: Request, labelled: Labelled, certainty: float, scores: Scores
    ) -> tuple[Understanding, float]:
        language = self._language(request.text, scores)
        intent, probability = self._intent(labelled, scores)
        parts = assembly.entries(labelled) if intent is Intent.ADD_TRANSACTION else [labelled]
        joint = self._joint(probability, certainty, scores, intent)
        confidence = self._confidence(joint)
        if intent in assembly.ENTRIES and assembly.guesses_amount(labelled):
            confidence = min(confidence, MOST_GUESSED)
        said = _Said(intent, confidence, language, request.today)
        if len(parts) == 1:
            found = [self._entry(request.text, labelled, scores, said)]
        else:
            texts = [_text_of(part.reading) for part in parts]
            found = list(map(self._entry, texts, parts, self._classify(parts), repeat(said)))
        first, *rest = self._with_carried_names(found) if len(found) > 1 else found
        masked = mask(labelled) if request.mask else None
        if rest or masked:
            first = first.model_copy(update={"further": tuple(rest), "masked": masked})
        return first, joint

    def _tag(self, readings: Sequence[Reading]) -> list[tuple[list[str], float]]:
        return self.model.tag(readings)

    def _classify(self, labelled: Sequence[Labelled]) -> list[Scores]:
        return self.model.classify(labelled)

    def _language(self, text: str, scores: Scores) -> Language:
        script = script_of(text)
        if script is Script.DEVANAGARI:
            return _HINDI
        best = max(scores.language)
        tag = self.model.languages[scores.language.index(best)]
        return Language(tag=tag, script=script, confidence=best)

    def _intent(self, labelled: Labelled, scores: Scores) -> tuple[Intent, float]:
        """The likeliest intent. Whether a total is of a day or a period is what the named date is."""
        probabilities = scores.intent
        kinds = {u.kind for u in labelled.reading.units}
        if not kinds.isdisjoint(_DATED):
            probabilities = probabilities.copy()
            both = probabilities[self._day] + probabilities[self._period]
            of_period = "period" in kinds
            probabilities[self._period], probabilities[self._day] = (both, 0.0) if of_period else (0.0, both)
        best = max(probabilities)
        return self._intents[probabilities.index(best)], best

    def _category(self, scores: Scores) -> Category | None:
        """The likeliest category; None where the sentence does not decide it."""
        likely = scores.category
        undecided = likely[self._undecided]
        best = max(self._decided, key=lambda i: likely[i])
        sure = undecided < MOST_UNDECIDED and likely[best] >= LEAST_CATEGORY * (1 - undecided)
        return Category(self.model.categories[best]) if sure else None

    def _joint(self, intent_p: float, certainty: float, scores: Scores, intent: Intent) -> float:
        """Probability that intent, labels and (of an entry) category are right together."""
        joint = intent_p * math.sqrt(max(certainty, 1e-6))
        return joint * max(scores.category) if intent in assembly.ENTRIES else joint

    def _confidence(self, joint: float) -> float:
        """The joint probability on the scale that was fitted on phrases the models had not seen."""
        slope, offset = self.model.card.get("calibration", (1.0, 0.0))
        clipped = min(max(joint, 1e-6), 1 - 1e-6)
        return 1 / (1 + math.exp(-(slope * math.log(clipped / (1 - clipped)) + offset)))

    def _entry(self, text: str, part: Labelled, scores: Scores, said: _Said) -> Understanding:
        intent, confidence, language, today = said
        category = self._category(scores)
        entities = Entities() if intent is Intent.OTHER else assembly.entities(part, intent, category, today)
        return Understanding(
            text=text, intent=intent, confidence=confidence, entities=entities, language=language
        )

    def _with_carried_names(self, found: list[Understanding]) -> list[Understanding]:
        """ "Ramesh ko 500 diye, 200 wapas aaye": the second entry is of the person of the first."""
        carried: list[Understanding] = []
        for entry in found:
            on_account = entry.entities.category in {Category.CREDIT, Category.PAYMENT}
            nameless = bool(carried) and on_account and entry.entities.customer_name is None
            carried.append(_named(entry, carried[-1].entities.customer_name) if nameless else entry)
        return carried


def _text_of(part: Reading) -> str:
    return part.text[part.units[0].start : part.units[-1].end]


def _named(entry: Understanding, name: str | None) -> Understanding:
    return entry.model_copy(update={"entities": entry.entities.model_copy(update={"customer_name": name})})


def load(root: Path | None = None) -> Understander:
    """The engine over the newest version of the model. Raises `repository.ModelError` when there is none."""
    return LedgerEngine(LedgerModel(repository.latest(root or repository.repository())))
