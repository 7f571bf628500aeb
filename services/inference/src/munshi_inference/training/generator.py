"""Training sentences: phrases expanded, slots filled, spellings and typing as people have them."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from munshi_inference.language.devanagari import to_devanagari
from munshi_inference.training.fillers import fill
from munshi_inference.training.grammar import Phrase, Slot, expand, load_macros, load_phrases
from munshi_inference.training.people import syllables
from munshi_inference.training.spelling import misspell

PHRASES = Path(__file__).parent / "phrases"
MACROS = "macros.txt"
WRITINGS = ("deva", "hinglish", "en")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One training sentence. `spans`: character ranges with their labels (`NAME`, `AMT`, `INV`)."""

    text: str
    intent: str
    category: str
    writing: str
    spans: tuple[tuple[int, int, str], ...]


def all_phrases() -> list[Phrase]:
    """The phrases of every file, in a fixed order."""
    macros = load_macros(PHRASES / MACROS)
    files = sorted(f for f in PHRASES.glob("*.txt") if f.name != MACROS)
    return [phrase for file in files for phrase in load_phrases(file, macros)]


def realise(phrase: Phrase, writing: str, rng: random.Random, *, dressed: bool = True) -> Sentence:
    """One sentence of a phrase in a writing, with the noise of typing."""
    pieces: list[tuple[str, str]] = []
    terse = rng.random() < 0.08
    strange = phrase.intent == "other" and rng.random() < STRANGE
    for leaf in expand(phrase.node, rng):
        if isinstance(leaf, Slot):
            pieces += fill(leaf.name, leaf.variant, writing, rng)
        else:
            words = _drop_a_word(leaf.words, rng) if terse else leaf.words
            words = _estrange(words, rng) if strange else words
            mixed = writing == "deva" and rng.random() < 0.03
            words = to_devanagari(words) if writing == "deva" and not mixed else words
            pieces.append((misspell(words, writing, rng), "O"))
    if dressed:
        pieces = _with_asides(pieces, phrase, writing, rng)
    text, spans = _join(pieces)
    if dressed:
        text, spans = _dress(text, spans, rng)
    return Sentence(text, phrase.intent, phrase.category, writing, tuple(spans))


def _with_asides(
    pieces: list[tuple[str, str]], phrase: Phrase, writing: str, rng: random.Random
) -> list[tuple[str, str]]:
    """An entry with a day said before or after it, a promise, a phone number or a time: where none was."""
    said = {label for _, label in pieces}
    choice = rng.random()
    if phrase.intent != "add_transaction" or "DAY" in said or choice > 0.3:
        return pieces
    comma = rng.choice(["", ",", " -"]) if rng.random() < 0.3 else ""
    if choice < 0.13:
        return [*fill("day", "", writing, rng), (f"{comma} ", "O"), *pieces]
    if choice < 0.23:
        return [*pieces, (f"{comma} ", "O"), *fill("day", "", writing, rng)]
    if choice < 0.26 and phrase.category == "credit" and not any("due" in w for w in phrase.words):
        verb = {
            "en": rng.choice(
                [
                    "will pay",
                    "he'll pay",
                    "she'll pay",
                    "they'll pay",
                    "he will give",
                    "to be paid",
                    "she will clear",
                    "promised to pay",
                ]
            ),
            "hinglish": rng.choice(["dega", "degi", "denge", "paise milenge", "dega bola"]),
        }.get(writing, "देगा")
        promise = (
            [(verb + " ", "O"), *fill("due", "", writing, rng)]
            if writing == "en"
            else [*fill("due", "", writing, rng), (" " + verb, "O")]
        )
        return [*pieces, (", ", "O"), *promise]
    if choice < 0.28:
        time = fill("time", "", writing, rng)
        return [*pieces, (" ", "O"), *time] if choice < 0.27 else [*time, (" ", "O"), *pieces]
    return [*pieces, (" ", "O"), *fill("phone", "", writing, rng)]


def _estrange(words: str, rng: random.Random) -> str:
    """The words with some that nobody knows: talk of the world is wider than any phrase file."""
    lead, tail = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
    swapped = (syllables(rng).lower() if len(w) > 3 and rng.random() < 0.35 else w for w in words.split())
    return lead + " ".join(swapped) + (tail if words.strip() else "")


def _drop_a_word(words: str, rng: random.Random) -> str:
    """The words without one of them."""
    parts = words.split()
    if len(parts) < 3:
        return words
    del parts[rng.randrange(len(parts))]
    lead, tail = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
    return lead + " ".join(parts) + tail


def several(count: int, bank: Sequence[Phrase], writing: str, rng: random.Random) -> Sentence:
    """A message with several entries, between commas, lines or "aur"."""
    joint = rng.choice(
        {"en": [", ", " and ", ". ", "; ", "\n"], "deva": [", ", " और ", "। ", "\n"]}.get(
            writing, [", ", " aur ", ". ", "\n", " or ", " , "]
        )
    )
    text = ""
    spans: list[tuple[int, int, str]] = []
    for i in range(count):
        one = realise(rng.choices(bank, [p.weight for p in bank])[0], writing, rng, dressed=False)
        if i:
            text += joint
        spans += [(a + len(text), b + len(text), label) for a, b, label in one.spans]
        text += one.text
    return Sentence(text, "add_transaction", "several", writing, tuple(spans))


def _join(pieces: Sequence[tuple[str, str]]) -> tuple[str, list[tuple[int, int, str]]]:
    """The pieces as one text with single spaces, and where the labelled ones lie."""
    text = ""
    spans: list[tuple[int, int, str]] = []
    for words, label in pieces:
        clean = " ".join(words.split())
        if not clean:
            text += " " if words and text and not text.endswith(" ") else ""
            continue
        if words[0] == " " and text and not text.endswith(" "):
            text += " "
        if clean[0] in ",.?!" or clean.startswith("'s"):
            text = text.rstrip()
        elif text and text[-1].isalnum() and clean[0].isalnum():
            text += " "
        start = len(text)
        text += clean
        if label != "O":
            spans.append((start, len(text), label))
        if words[-1] == " ":
            text += " "
    return text.rstrip(), spans


def _dress(
    text: str, spans: list[tuple[int, int, str]], rng: random.Random
) -> tuple[str, list[tuple[int, int, str]]]:
    """Capital first letter, all lower case, all capitals, a final mark: what phones and hurry do."""
    choice = rng.random()
    if choice < 0.3:
        text = text[:1].upper() + text[1:]
    elif choice < 0.5:
        text = text.lower()
    elif choice < 0.53:
        text = text.upper()
    if rng.random() < LINES:
        spaces = [i for i, c in enumerate(text) if c == " " and not any(a < i < b for a, b, _ in spans)]
        for i in rng.sample(spaces, min(len(spaces), rng.choice([1, 1, 2]))):
            text = text[:i] + "\n" + text[i + 1 :]
    if rng.random() < 0.05:
        lead = rng.choice(["🙏 ", "✅ ", "- ", "* ", "💰 ", "📝 ", "👉 ", ". ", "1. ", "2) "])
        text, spans = lead + text, [(a + len(lead), b + len(lead), label) for a, b, label in spans]
    if rng.random() < 0.14 and text and text[-1].isalnum():
        text += rng.choice([".", "..", " .", "!", "।", " 🙏", " 👍", " ✅", " 😅", "..."])
    return text, spans


def sentences(count: int, seed: int, phrases: Sequence[Phrase] | None = None) -> Iterator[Sentence]:
    """`count` sentences; the same for the same seed and phrase files."""
    rng = random.Random(seed)
    bank = list(phrases if phrases is not None else all_phrases())
    groups: dict[tuple[str, str], dict[str, list[Phrase]]] = {}
    for phrase in bank:
        for writing in ("deva", "hinglish") if phrase.writing == "hi" else (phrase.writing,):
            groups.setdefault((phrase.intent, phrase.category), {}).setdefault(writing, []).append(phrase)
    names = sorted(groups)
    shares = [_share(intent, category) for intent, category in names]
    entries = {
        w: [
            p
            for p in bank
            if p.intent == "add_transaction" and p.writing in ({"en"} if w == "en" else {"hi"})
        ]
        for w in WRITINGS
    }
    for _ in range(count):
        if rng.random() < SEVERAL and all(entries.values()):
            writing = rng.choice(WRITINGS)
            yield several(rng.choice([2, 2, 2, 3, 4]), entries[writing], writing, rng)
            continue
        by_writing = groups[rng.choices(names, shares)[0]]
        writing = rng.choice(sorted(by_writing))
        chosen = by_writing[writing]
        yield realise(rng.choices(chosen, [p.weight for p in chosen])[0], writing, rng)


STRANGE = 0.3
"""Share of the talk that is none of the ledger's business in which words are swapped for unknown ones."""
LINES = 0.03
"""Share of messages written over several lines."""
SEVERAL = 0.05
"""Share of messages that hold several entries."""
_SHARES = {
    "add_transaction": 2.2,
    "add_receipt": 0.5,
    "query_total_day": 2.2,
    "query_total_period": 2.2,
    "query_customer_balance": 3.0,
    "clarify": 2.5,
    "greet": 1.0,
    "help": 1.5,
    "correct": 2.5,
    "undo": 1.5,
    "other": 9.0,
}


def _share(intent: str, category: str) -> float:
    share = _SHARES[intent]
    if intent == "add_transaction" and category in {"credit", "payment"}:
        return share * 1.8
    if intent == "add_transaction" and category == "none":
        return share * 0.15
    if intent.startswith("query_total") and category != "none":
        return share * 0.4
    return share
