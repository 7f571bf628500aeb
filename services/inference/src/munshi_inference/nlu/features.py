"""What the models see of a reading: tagger features of each unit, hashed features of the whole.

Features of the tagger are bytes, as it takes them, put together from pieces that are kept for each word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple
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


@dataclass(slots=True)
class _Name:
    """How a unit is named in its own features and in those of its neighbours. No more than read: frozen, its
    fields would cost the same, but it would take four times as long to make."""

    name: bytes
    own: bytes
    before: bytes
    after: bytes
    before2: bytes
    after2: bytes
    before3: bytes
    after3: bytes
    both_before: bytes
    """Of a pair, this and what follows here: a unit and the name of a second one."""
    both_after: bytes
    around: bytes
    own_and_after: bytes
    before_and_own: bytes


def _named(text: str) -> _Name:
    name = text.encode()
    alone = [b"%b=%b" % (place, name) for place in (b"w", b"p", b"n", b"p2", b"n2", b"p3", b"n3")]
    pairs = [b"%b=%b|" % (place, name) for place in (b"pp", b"nn", b"pn", b"wn", b"pw")]
    return _Name(name, *alone, *pairs)


_names = Remembered(_named)
_BEFORE = (_names["<s2>"], _names["<s>"])
_AFTER = (_names["</s>"], _names["</s2>"])


@dataclass(slots=True)
class _Seen:
    """A unit as the tagger sees it, whatever stands around it."""

    name: _Name
    form: tuple[bytes, ...] = ()
    """Features of a word but for how it is written."""
    to_next: tuple[bytes, ...] = ()
    """What the unit after it has of it beside its name."""
    to_last: tuple[bytes, ...] = ()


_no_words: Remembered[str, _Seen] = Remembered(lambda name: _Seen(_names[name]))


class Lexicon:
    """What the tagger knows of words before it sees them in a sentence."""

    def __init__(self, common: frozenset[str], kinds: Mapping[str, tuple[str, ...]]) -> None:
        """`common`: keys of ordinary words, which names rarely are. `kinds`: keys of given names, family
        names, words of shops, goods and places, with what they are known as."""
        self.common = common
        self.kinds = kinds
        self.words = Remembered(self._known)
        """Words as they are seen, by their text."""

    def _known(self, text: str) -> _Seen:
        name = key(text)
        return _word(text, name in self.common, self.kinds.get(name, ()), [f"id={name}"])


def _word(text: str, known: bool, kinds: tuple[str, ...], named: Sequence[str]) -> _Seen:
    name = key(text)
    form = [f"known={known}", *(f"kind={kind}" for kind in kinds)]
    form += [f"e1={name[-1:]}", f"e2={name[-2:]}", f"e3={name[-3:]}", f"b3={name[:3]}", *named]
    if text in UNITS:
        form.append("is_unit")
    if len(name) <= 2:
        form.append("short")
    pieces = form, [f"pk={kind}" for kind in kinds], [f"nk={kind}" for kind in kinds]
    return _Seen(
        _names[name if known else "<?>"], *(tuple(one.encode() for one in piece) for piece in pieces)
    )


def _shape(raw: str) -> bytes:
    """How a word is written."""
    if raw[0].isupper():
        return b"shape=XX" if len(raw) > 1 and raw.isupper() else b"shape=X"
    return b"shape=x" if raw[0].isascii() else b"shape=d"


_shapes = Remembered(_shape)


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


def _seen(reading: Reading, lexicon: Lexicon, hidden: frozenset[int]) -> list[_Seen]:
    words = lexicon.words
    seen = [
        words[text] if kind == "word" else _no_words[text if kind == "mark" else name]
        for kind, text, name, _, _, _, _ in reading.units
    ]
    for i in hidden:
        if reading.units[i].kind == "word":
            seen[i] = _word(reading.units[i].text, known=False, kinds=(), named=())
    return seen


def unit_features(
    reading: Reading, lexicon: Lexicon, hidden: frozenset[int] = NOTHING_HIDDEN
) -> list[list[bytes]]:
    """Features of each unit for the tagger.

    `hidden`: units that are to look like words nobody has met. Training hides some, so that the tagger learns
    what a word must be from its place and form too.
    """
    units = reading.units
    seen = _seen(reading, lexicon, hidden)
    names = [*_BEFORE, *[one.name for one in seen], *_AFTER]
    numbers = [unit.number for unit in units if unit.number is not None]
    last = len(units) - 1
    features = []
    for i, (kind, text, _, start, end, number, _) in enumerate(units):
        before2, before, own, after, after2 = names[i : i + 5]
        found = [
            _KINDS[kind],
            own.own,
            before.before,
            after.after,
            before2.both_before + before.name,
            after.both_after + after2.name,
            before.around + after.name,
            before2.before2,
            after2.after2,
            own.own_and_after + after.name,
            before.before_and_own + own.name,
        ]
        if i >= 3:
            found.append(names[i - 1].before3)
        if i + 3 <= last:
            found.append(names[i + 5].after3)
        if kind == "word":
            found.append(_shapes[reading.text[start:end]])
            found += seen[i].form
        if i:
            found += seen[i - 1].to_next
        if i < last:
            found += seen[i + 1].to_last
        if number is not None:
            numeric = _number_features(number, text)
            found += numeric
            found += [f + b"|" + after.name for f in numeric]
            found.append(numeric[0] + b"|p=" + before.name)
            found += _among_numbers(number, numbers)
        features.append(found)
    return features


_KINDS = {
    kind: b"k=" + kind.encode()
    for kind in ("word", "mark", "number", "day", "period", "phone", "time", "invoice")
}


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
