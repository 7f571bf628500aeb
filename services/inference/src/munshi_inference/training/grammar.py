"""The little language of the phrase files.

`{slot}` is filled from the word lists, `(a|b|)` takes one, `[a]` takes it or leaves it, `<a;b;c>` takes all
in any order; `@macro` is a piece of `macros.txt`. Under a head line `[intent category writing]` stand the
sentences of that kind, one a line; `3*` before one counts it three times. `#` begins a comment line.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = re.compile(r"^\[(?P<intent>\w+)\s+(?P<category>[\w?-]+)\s+(?P<writing>hi|en|hinglish)\]$")
_WEIGHT = re.compile(r"^(\d+)\*\s*")


@dataclass(frozen=True, slots=True)
class Text:
    """Literal words."""

    words: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a filler; `{amt:old}` has the name `amt` and the variant `old`."""

    name: str
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts in order, or in any order when `shuffled`."""

    parts: tuple["Node", ...]
    shuffled: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several; `optional` adds the empty one with even chances."""

    options: tuple["Node", ...]
    optional: bool = False


Node = Text | Slot | Parts | Choice
Leaf = Text | Slot


@dataclass(slots=True)
class Phrase:
    """One line of a phrase file."""

    intent: str
    category: str
    writing: str
    """`hi` (Hinglish and Devanagari), `hinglish` (only that) or `en`."""
    node: Node
    weight: int = 1
    words: frozenset[str] = field(default_factory=frozenset)


class PhraseError(ValueError):
    """A phrase file that cannot be read; names the file and the line."""


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    def parse(self, closing: str = "") -> list[list[Node]]:
        """Alternatives (or shuffled parts) up to a closing mark."""
        groups: list[list[Node]] = [[]]
        while self.at < len(self.source):
            char = self.source[self.at]
            if char == closing:
                self.at += 1
                return groups
            if (char == "|" and closing in {")", "]"}) or (char == ";" and closing == ">"):
                self.at += 1
                groups.append([])
            else:
                groups[-1].append(self._node(char))
        if closing:
            raise PhraseError(f"no {closing!r} in {self.source!r}")
        return groups

    def _node(self, char: str) -> Node:
        self.at += 1
        if char == "(":
            return Choice(tuple(_sequence(g) for g in self.parse(")")))
        if char == "[":
            return Choice(tuple(_sequence(g) for g in self.parse("]")), optional=True)
        if char == "<":
            return Parts(tuple(_sequence(g) for g in self.parse(">")), shuffled=True)
        if char == "{":
            end = self.source.index("}", self.at)
            name, _, variant = self.source[self.at : end].partition(":")
            self.at = end + 1
            return Slot(name, variant)
        if char in ")]>}":
            raise PhraseError(f"stray {char!r} in {self.source!r}")
        end = self.at
        while end < len(self.source) and self.source[end] not in "([<{|;)]>}":
            end += 1
        text = self.source[self.at - 1 : end]
        self.at = end
        return Text(text)


def _sequence(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Parts(tuple(parts))


def parse(source: str) -> Node:
    """One phrase. Raises `PhraseError`."""
    return _sequence(_Parser(source).parse()[0])


def expand(node: Node, rng: random.Random) -> list[Leaf]:
    """One random way to say a phrase: literal words and slots in order."""
    if isinstance(node, Text | Slot):
        return [node]
    if isinstance(node, Choice):
        if node.optional and rng.random() < 0.5:
            return []
        return expand(rng.choice(node.options), rng)
    parts = list(node.parts)
    if node.shuffled:
        rng.shuffle(parts)
    leaves: list[Leaf] = []
    for part in parts:
        if node.shuffled and leaves:
            leaves.append(Text(" "))
        leaves += expand(part, rng)
    return leaves


def literal_words(node: Node) -> set[str]:
    """Every literal word that a phrase can say."""
    if isinstance(node, Text):
        return set(node.words.lower().split())
    if isinstance(node, Slot):
        return set()
    children = node.options if isinstance(node, Choice) else node.parts
    return set().union(*(literal_words(c) for c in children))


def load_macros(file: Path) -> dict[str, str]:
    """Pieces by name; a later one may use an earlier one. Raises `PhraseError`."""
    macros: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        name, equals, body = line.partition(" = ")
        if not equals or not name.startswith("@"):
            raise PhraseError(f"{file.name}:{number}: no macro: {line!r}")
        macros[name] = put_macros(body, macros)
    return macros


def put_macros(text: str, macros: Mapping[str, str]) -> str:
    """The text with every `@name` replaced; the longest name that fits wins."""
    for name in sorted(macros, key=len, reverse=True):
        text = text.replace(name, macros[name])
    return text


def load_phrases(file: Path, macros: Mapping[str, str]) -> list[Phrase]:
    """All phrases of a file. Raises `PhraseError` with the line that is wrong."""
    phrases: list[Phrase] = []
    head: re.Match[str] | None = None
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if (found := _HEAD.match(text)) is not None:
            head = found
            continue
        if head is None:
            raise PhraseError(f"{file.name}:{number}: a phrase before the first head line")
        weight = _WEIGHT.match(text)
        body = put_macros(text[weight.end() :] if weight else text, macros)
        try:
            node = parse(body)
        except (PhraseError, ValueError) as error:
            raise PhraseError(f"{file.name}:{number}: {error}") from error
        phrases.append(
            Phrase(
                head["intent"],
                head["category"],
                head["writing"],
                node,
                int(weight.group(1)) if weight else 1,
                frozenset(literal_words(node)),
            )
        )
    return phrases
