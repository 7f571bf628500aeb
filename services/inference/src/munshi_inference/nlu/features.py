"""What the models see of a reading: tagger features of each unit, hashed features of the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from munshi_inference.language.amounts import UNITS, Number
from munshi_inference.language.romanise import skeleton
from munshi_inference.nlu.units import Reading, Unit

BUCKETS = 1 << 16
"""Rows of the classifier's table; a power of two."""
_MAX_UNITS = 40
"""Units of a message that pairs are made of; bounds the work of a long text."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What the tagger knows of words before it sees them in a sentence."""

    common: frozenset[str]
    """Keys of ordinary words, which names rarely are."""
    kinds: Mapping[str, tuple[str, ...]]
    """Keys of given names, family names, words of shops, goods and places, with what they are known as."""


NOTHING_HIDDEN: frozenset[int] = frozenset()


def _shape(raw: str) -> str:
    """How a word is written."""
    if raw[0].isupper():
        return "XX" if len(raw) > 1 and raw.isupper() else "X"
    return "x" if raw[0].isascii() else "d"


def _seen_as(unit: Unit, known: bool) -> str:
    """How a neighbour sees a unit: its key when common, its kind otherwise."""
    if unit.kind == "word":
        return unit.key if known else "<?>"
    return unit.text if unit.kind == "mark" else unit.key


@lru_cache(maxsize=16384)
def _word_features(
    key: str, text: str, shape: str, known: bool, named: bool, kinds: tuple[str, ...]
) -> tuple[str, ...]:
    """What a word is by itself, whatever stands around it. `named`: it is not hidden."""
    found = [f"shape={shape}", f"known={known}", *(f"kind={kind}" for kind in kinds)]
    found += [f"e1={key[-1:]}", f"e2={key[-2:]}", f"e3={key[-3:]}", f"b3={key[:3]}"]
    if named:
        found.append(f"id={key}")
    if text in UNITS:
        found.append("is_unit")
    if len(key) <= 2:
        found.append("short")
    return tuple(found)


def _number_features(number: Number, text: str) -> list[str]:
    value = number.value
    found = [f"size={len(str(int(value)))}", "words" if number.words else "digits"]
    if number.currency:
        found.append("money")
    if number.slash:
        found.append("slash")
    if number.unit:
        found.append("unit")
    if "," in text:
        found.append("commas")
    if value % 10 == 0:
        found.append("round")
    return found


def _among_numbers(number: Number, numbers: Sequence[Number]) -> list[str]:
    """What a number is beside the others of its text."""
    others = any(one.currency is not None and one is not number for one in numbers)
    count, index = len(numbers), numbers.index(number)
    return [f"numbers={min(count, 3)}", f"other_money={others}", f"index={index}/{count}"]


def unit_features(
    reading: Reading, lexicon: Lexicon, hidden: frozenset[int] = NOTHING_HIDDEN
) -> list[list[str]]:
    """Features of each unit for the tagger.

    `hidden`: units that are to look like words nobody has met. Training hides some, so that the tagger learns
    what a word must be from its place and form too.
    """
    units = reading.units
    known = [u.key in lexicon.common and i not in hidden for i, u in enumerate(units)]
    kinds = [
        lexicon.kinds.get(u.key, ()) if u.kind == "word" and i not in hidden else ()
        for i, u in enumerate(units)
    ]
    names = ["<s2>", "<s>", *map(_seen_as, units, known), "</s>", "</s2>"]
    numbers = [unit.number for unit in units if unit.number is not None]
    last = len(units) - 1
    features = []
    for i, (kind, text, key, start, end, number, _) in enumerate(units):
        before2, before, own, after, after2 = names[i : i + 5]
        found = [
            f"k={kind}",
            f"w={own}",
            f"p={before}",
            f"n={after}",
            f"pp={before2}|{before}",
            f"nn={after}|{after2}",
            f"pn={before}|{after}",
            f"p2={before2}",
            f"n2={after2}",
            f"wn={own}|{after}",
            f"pw={before}|{own}",
        ]
        if i >= 3:
            found.append(f"p3={names[i - 1]}")
        if i + 3 <= last:
            found.append(f"n3={names[i + 5]}")
        if kind == "word":
            shape = _shape(reading.text[start:end])
            found += _word_features(key, text, shape, known[i], i not in hidden, kinds[i])
        if i and kinds[i - 1]:
            found += [f"pk={name}" for name in kinds[i - 1]]
        if i < last and kinds[i + 1]:
            found += [f"nk={name}" for name in kinds[i + 1]]
        if number is not None:
            numeric = _number_features(number, text)
            found += numeric
            found += [f"{f}|{after}" for f in numeric]
            found.append(f"{numeric[0]}|p={before}")
            found += _among_numbers(number, numbers)
        features.append(found)
    return features


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


def _row(feature: str) -> int:
    """Where the classifier's table holds a feature."""
    return crc32(feature.encode()) & (BUCKETS - 1)


@lru_cache(maxsize=16384)
def _symbol_rows(symbol: str) -> dict[str, int]:
    """The features that a symbol has by itself, with their rows: most words of a text were seen before."""
    found = [symbol]
    if symbol[0] != "<" and len(symbol) > 2:
        found.append(f"k:{skeleton(symbol)}")
        padded = f"^{symbol}$"
        found += [padded[j : j + size] for size in (3, 4, 5) for j in range(len(padded) - size + 1)]
    return {feature: _row(feature) for feature in found}


def _sentence_rows(reading: Reading, labels: Sequence[str], ledger_words: frozenset[str]) -> dict[str, int]:
    seen = ["<s>", *symbols(reading, labels)[:_MAX_UNITS], "</s>"]
    usual = [s if s[0] == "<" or s in ledger_words or not s[0].isalpha() else "<?>" for s in seen]
    found: dict[str, int] = {}
    together: list[str] = []
    last = len(seen) - 1
    for i, symbol in enumerate(seen):
        found.update(_symbol_rows(symbol))
        if i < last:
            together.append(f"{symbol} {seen[i + 1]}")
        own = usual[i]
        if i + 1 < last:
            together.append(f"{own} {usual[i + 1]} {usual[i + 2]}")
        together += [f"{own}~{other}" for other in usual[i + 1 : i + 9]]
    together += [f"#{symbol}{min(seen.count(symbol), 3)}" for symbol in ("<amt>", "<name>", "<number>")]
    words, strange = max(len(seen) - 2, 1), usual.count("<?>")
    together.append(f"#words{min(len(seen) - 2, 12)}")
    together.append(f"#strange{min(strange, 6)}")
    together.append(f"#strange{strange * 5 // words}/5")
    for feature in together:
        found[feature] = crc32(feature.encode()) & (BUCKETS - 1)
    return found


def sentence_features(reading: Reading, labels: Sequence[str], ledger_words: frozenset[str]) -> list[str]:
    """Features of the whole: words, pairs in order, characters of words, counts.

    `ledger_words` are the keys that talk of the ledger uses; how many others there are tells chatter from
    entries.
    """
    return list(_sentence_rows(reading, labels, ledger_words))


def sentence_rows(reading: Reading, labels: Sequence[str], ledger_words: frozenset[str]) -> list[int]:
    """The rows of the classifier's table for these features, in their order."""
    return list(_sentence_rows(reading, labels, ledger_words).values())


def hashed(features: Sequence[str]) -> list[int]:
    """The rows of the classifier's table for these features."""
    return [_row(feature) for feature in features]
