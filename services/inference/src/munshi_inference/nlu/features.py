"""What the models see of a reading: tagger features of each unit, hashed features of the whole.

Features of the tagger are put together from pieces that are kept for each word and each pair of words.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, pairwise, repeat
from typing import Generic, NamedTuple, TypeVar
from zlib import crc32

from munshi_inference.language.amounts import UNITS, Number
from munshi_inference.language.remembered import Remembered
from munshi_inference.language.romanise import key, skeleton
from munshi_inference.nlu.units import Reading

BUCKETS = 1 << 16
"""Rows of the classifier's table; a power of two."""
_MAX_UNITS = 40
"""Units of a message that pairs are made of; bounds the work of a long text."""
NOTHING_HIDDEN: frozenset[int] = frozenset()
Piece = TypeVar("Piece")


class _Seen(NamedTuple, Generic[Piece]):
    """A unit as the tagger sees it, whatever stands around it; each piece is of the unit that it names."""

    name: bytes
    own: Piece
    before: Piece
    """Of the unit after it."""
    after: Piece
    """Of the unit before it."""
    before2: Piece
    """Of the second one after it; so what follows."""
    after2: Piece
    before3: Piece
    after3: Piece
    form: Piece
    """Of a word but for how it is written."""
    to_next: Piece
    """What the unit after it has of it beside its name."""
    to_last: Piece


class Lexicon:
    """What the tagger knows of words before it sees them in a sentence."""

    def __init__(self, common: frozenset[str], kinds: Mapping[str, tuple[str, ...]]) -> None:
        """`common`: keys of ordinary words, which names rarely are. `kinds`: keys of given names, family
        names, words of shops, goods and places, with what they are known as."""
        self.common = common
        self.kinds = kinds
        self.features: Pieces[tuple[bytes, ...]] = Pieces(self, tuple)
        """Features themselves, as training takes them."""


class Pieces(Generic[Piece]):
    """What features of units are put together from: features packed as a tagger takes them, kept for each
    word and each pair of words."""

    def __init__(self, lexicon: Lexicon, pack: Callable[[Sequence[bytes]], Piece]) -> None:
        self._lexicon = lexicon
        self.pack = pack
        self.nothing = pack([])
        self.words = Remembered(self._known)
        """By text."""
        self.names: Remembered[str, _Seen[Piece]] = Remembered(lambda name: self._named(name.encode()))
        """Units that are no words, by name."""
        self.shapes: Remembered[str, Piece] = Remembered(lambda raw: pack([_shape(raw)]))
        self.kinds = {kind: pack([b"k=" + kind.encode()]) for kind in _KINDS}
        self.pairs = Remembered(self._pair, _MOST_PAIRS)
        """Of a unit and the next: pieces of the second one after them, of the second one before them, of the
        first and of the second."""
        self.around = Remembered(self._around, _MOST_PAIRS)
        """Of the unit between two."""
        nobody = _Seen(b"", *[self.nothing] * 10)
        edge = [self._named(name)._replace(before3=self.nothing, after3=self.nothing) for name in _EDGES]
        self.before, self.after = [nobody, *edge[:2]], [*edge[2:], nobody]

    def _named(
        self, name: bytes, form: Sequence[str] = (), to_next: Sequence[str] = (), to_last: Sequence[str] = ()
    ) -> _Seen[Piece]:
        places = [self.pack([place + name]) for place in _PLACES]
        others = [self.pack([one.encode() for one in several]) for several in (form, to_next, to_last)]
        return _Seen(name, *places, *others)

    def _pair(self, pair: tuple[bytes, bytes]) -> tuple[Piece, Piece, Piece, Piece]:
        both = b"|".join(pair)
        return (
            self.pack([b"pp=" + both]),
            self.pack([b"nn=" + both]),
            self.pack([b"wn=" + both]),
            self.pack([b"pw=" + both]),
        )

    def _around(self, pair: tuple[bytes, bytes]) -> Piece:
        return self.pack([b"pn=" + b"|".join(pair)])

    def _known(self, text: str) -> _Seen[Piece]:
        name = key(text)
        kinds = self._lexicon.kinds.get(name, ())
        return self.word(text, name in self._lexicon.common, kinds, [f"id={name}"])

    def word(self, text: str, known: bool, kinds: tuple[str, ...], named: Sequence[str]) -> _Seen[Piece]:
        """A word of which that is known."""
        name = key(text)
        form = [f"known={known}", *(f"kind={kind}" for kind in kinds)]
        form += [f"e1={name[-1:]}", f"e2={name[-2:]}", f"e3={name[-3:]}", f"b3={name[:3]}", *named]
        if text in UNITS:
            form.append("is_unit")
        if len(name) <= 2:
            form.append("short")
        to_next, to_last = [f"pk={kind}" for kind in kinds], [f"nk={kind}" for kind in kinds]
        return self._named((name if known else "<?>").encode(), form, to_next, to_last)


_EDGES = (b"<s2>", b"<s>", b"</s>", b"</s2>")
_PLACES = (b"w=", b"p=", b"n=", b"p2=", b"n2=", b"p3=", b"n3=")
"""In the order of the pieces of `_Seen`."""
_MOST_PAIRS = 1 << 15
_KINDS = ("word", "mark", "number", "day", "period", "phone", "time", "invoice")


def _shape(raw: str) -> bytes:
    """How a word is written."""
    if raw[0].isupper():
        return b"shape=XX" if len(raw) > 1 and raw.isupper() else b"shape=X"
    return b"shape=x" if raw[0].isascii() else b"shape=d"


def _number_features(number: Number, text: str) -> list[bytes]:
    value = number.value
    found = [b"size=%d" % len(str(int(value))), b"words" if number.words else b"digits"]
    if number.currency:
        found.append(b"money")
    if number.slash:
        found.append(b"slash")
    if number.unit:
        found.append(b"unit")
    if "," in text:
        found.append(b"commas")
    if value % 10 == 0:
        found.append(b"round")
    return found


def _among_numbers(number: Number, numbers: Sequence[Number]) -> list[bytes]:
    """What a number is beside the others of its text."""
    others = any(one.currency is not None and one is not number for one in numbers)
    count, index = len(numbers), numbers.index(number)
    return [
        b"numbers=%d" % min(count, 3),
        b"other_money=True" if others else b"other_money=False",
        b"index=%d/%d" % (index, count),
    ]


def _seen(reading: Reading, pieces: Pieces[Piece], hidden: frozenset[int]) -> list[_Seen[Piece]]:
    words, names = pieces.words, pieces.names
    seen = [
        words[text] if kind == "word" else names[text if kind == "mark" else name]
        for kind, text, name, _, _, _, _ in reading.units
    ]
    for i in hidden:
        if reading.units[i].kind == "word":
            seen[i] = pieces.word(reading.units[i].text, known=False, kinds=(), named=())
    return seen


def _of_numbers(reading: Reading, names: Sequence[bytes], pieces: Pieces[Piece]) -> list[Piece]:
    """What each unit has as a number; `names` begin with the name of the unit before the first one."""
    numbers = [unit.number for unit in reading.units if unit.number is not None]
    found = [pieces.nothing] * len(reading.units)
    if not numbers:
        return found
    for i, unit in enumerate(reading.units):
        if unit.number is not None:
            before, _, after = names[i : i + 3]
            features = _number_features(unit.number, unit.text)
            features += [one + b"|" + after for one in features]
            features.append(features[0] + b"|p=" + before)
            features += _among_numbers(unit.number, numbers)
            found[i] = pieces.pack(features)
    return found


def unit_pieces(
    reading: Reading, pieces: Pieces[Piece], hidden: frozenset[int] = NOTHING_HIDDEN
) -> Iterator[tuple[Piece, ...]]:
    """Pieces of each unit for the tagger.

    `hidden`: units that are to look like words nobody has met. Training hides some, so that the tagger learns
    what a word must be from its place and form too.
    """
    text, units, _ = reading
    seen = [*pieces.before, *_seen(reading, pieces, hidden), *pieces.after]
    names, own, before, after, before2, after2, before3, after3, form, to_next, to_last = zip(
        *seen, strict=True
    )
    both_before, both_after, with_next, with_last = zip(
        *map(pieces.pairs.__getitem__, pairwise(names[1:-1])), strict=True
    )
    shapes = pieces.shapes
    return zip(
        [pieces.kinds[unit[0]] for unit in units],
        own[3:],
        before[2:],
        after[4:],
        both_before,
        both_after[3:],
        map(pieces.around.__getitem__, zip(names[2:], names[4:-1], strict=False)),
        before2[1:],
        after2[5:],
        with_next[2:],
        with_last[1:],
        before3,
        after3[6:],
        [shapes[text[unit[3] : unit[4]]] if unit[0] == "word" else pieces.nothing for unit in units],
        form[3:],
        to_next[2:],
        to_last[4:],
        _of_numbers(reading, names[2:], pieces),
        strict=False,  # the units are fewest
    )


def unit_features(
    reading: Reading, lexicon: Lexicon, hidden: frozenset[int] = NOTHING_HIDDEN
) -> list[list[bytes]]:
    """Features of each unit by their names."""
    return [list(chain.from_iterable(one)) for one in unit_pieces(reading, lexicon.features, hidden)]


def symbols(reading: Reading, labels: Sequence[str]) -> list[str]:
    """The units as the classifier sees them: names, amounts and days by what they are, words by key."""
    found: list[str] = []
    for unit, label in zip(reading.units, labels, strict=True):
        if label[1:2] == "-":
            if label[0] == "B" or not found or found[-1] != "<name>":
                found.append("<name>")
        elif label == "AMT":
            found.append("<amt>")
        elif unit.kind == "mark":
            if unit.text in {"?", "#", "%", "!", "@"}:
                found.append(unit.text)
            elif unit.text in {",", ".", ";", "\n"} and found and found[-1] != ",":
                found.append(",")
        else:
            found.append(unit.key)
    return found


class _Symbol(NamedTuple):
    """A symbol as the classifier sees it. A hash can go on where another one ended: that of a pair is made
    of that of its beginning, and no text of the pair is put together."""

    name: bytes
    before: int
    """Hash of the beginning of a pair with the symbol after it."""
    alone: tuple[int, ...]
    """Hashes of the features that it has by itself."""
    usual: bytes
    """Its name, or one for all that talk of the ledger does not use; so what follows."""
    usual_spaced: bytes
    usual_before: int
    usual_near: int
    """Hash of the beginning of a pair with a symbol somewhere after it."""


class LedgerWords:
    """Keys of words that talk of the ledger uses; how many others there are tells chatter from entries."""

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words
        self.symbols = Remembered(self._symbol)

    def _symbol(self, symbol: str) -> _Symbol:
        found = [symbol]
        if symbol[0] != "<" and len(symbol) > 2:
            found.append(f"k:{skeleton(symbol)}")
            padded = f"^{symbol}$"
            found += [padded[j : j + size] for size in (3, 4, 5) for j in range(len(padded) - size + 1)]
        alone = tuple(crc32(feature.encode()) for feature in found)
        name = symbol.encode()
        strange = symbol not in self._words and symbol[0].isalpha()
        usual = _STRANGE if strange else name
        spaced = usual + b" "
        return _Symbol(name, crc32(name + b" "), alone, usual, spaced, crc32(spaced), crc32(usual + b"~"))


_STRANGE = b"<?>"
_counts: Remembered[str, int] = Remembered(lambda feature: crc32(feature.encode()))


def sentence_hashes(reading: Reading, labels: Sequence[str], ledger_words: LedgerWords) -> list[int]:
    """Features of the whole, each once: words, pairs in order, characters of words, counts. They are hashes,
    the lowest bits of which are a row of the classifier's table.
    """
    seen = ["<s>", *symbols(reading, labels)[:_MAX_UNITS], "</s>"]
    known = ledger_words.symbols
    names, before, alone, usual, spaced, usual_before, near = zip(*[known[s] for s in seen], strict=True)
    last = len(seen) - 1
    found: list[int] = []
    for hashes in alone:
        found += hashes
    for i in range(last):
        found.append(crc32(names[i + 1], before[i]))
        if i + 1 < last:
            found.append(crc32(usual[i + 2], crc32(spaced[i + 1], usual_before[i])))
        found += map(crc32, usual[i + 1 : i + 9], repeat(near[i]))
    strange = usual.count(_STRANGE)
    found += [
        *[_counts[f"#{symbol}{min(seen.count(symbol), 3)}"] for symbol in ("<amt>", "<name>", "<number>")],
        _counts[f"#words{min(last - 1, 12)}"],
        _counts[f"#strange{min(strange, 6)}"],
        _counts[f"#strange{strange * 5 // max(last - 1, 1)}/5"],
    ]
    return list(dict.fromkeys(found))
