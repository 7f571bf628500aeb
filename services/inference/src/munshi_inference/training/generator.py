"""Training sentences: phrases expanded, slots filled, spellings and typing as people have them."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from munshi_inference.training.devanagari import to_devanagari
from munshi_inference.training.fillers import fill
from munshi_inference.training.grammar import Phrase, Slot, expand, load_macros, load_phrases
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


def realise(phrase: Phrase, writing: str, rng: random.Random) -> Sentence:
    """One sentence of a phrase in a writing, with the noise of typing."""
    pieces: list[tuple[str, str]] = []
    for leaf in expand(phrase.node, rng):
        if isinstance(leaf, Slot):
            pieces += fill(leaf.name, leaf.variant, writing, rng)
        else:
            words = to_devanagari(leaf.words) if writing == "deva" else leaf.words
            pieces.append((misspell(words, writing, rng), "O"))
    text, spans = _join(pieces)
    text, spans = _dress(text, spans, rng)
    return Sentence(text, phrase.intent, phrase.category, writing, tuple(spans))


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


def _dress(text: str, spans: list[tuple[int, int, str]], rng: random.Random) -> tuple[str, list[tuple[int, int, str]]]:
    """Capital first letter, all lower case, all capitals, a final mark: what phones and hurry do."""
    choice = rng.random()
    if choice < 0.3:
        text = text[:1].upper() + text[1:]
    elif choice < 0.5:
        text = text.lower()
    elif choice < 0.53:
        text = text.upper()
    if rng.random() < 0.12 and text and text[-1].isalnum():
        text += rng.choice([".", "..", " .", "!", "।", " 🙏", " 👍", "...", " ok"][: 8])
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
    for _ in range(count):
        by_writing = groups[rng.choices(names, shares)[0]]
        writing = rng.choice(sorted(by_writing))
        chosen = by_writing[writing]
        yield realise(rng.choices(chosen, [p.weight for p in chosen])[0], writing, rng)


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
    "other": 5.0,
}


def _share(intent: str, category: str) -> float:
    share = _SHARES[intent]
    if intent == "add_transaction" and category in {"credit", "payment"}:
        return share * 1.8
    if intent.startswith("query_total") and category != "none":
        return share * 0.4
    return share
