"""Lines of Indic scripts: found by the one engine, read by the other.

The lines that the detector found are cut out straight and put below each other on one clean page, which
Tesseract reads in one go: folds, skew and shadow between the lines are gone, and it starts once. Figures are
kept from the first engine, which reads them better.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from munshi_inference.documents.engines.rapid import Found, Pixels
from munshi_inference.documents.engines.tesseract import TesseractEngine, Word
from munshi_inference.documents.letters import is_devanagari, is_sinhala, plain
from munshi_inference.documents.pieces import Quad

LINE_HEIGHT = 48
"""Pixels of a line on the page for Tesseract, which likes letters of 30 to 40."""
MARGIN = 22
DOUBT = 0.93
"""Lines that the first engine is less sure of are looked at again."""
FEWEST_DOUBTED = 2
"""Fewer on a page: it is in Latin script."""
GLANCE = 8
"""Lines of the quick look that tells the script."""

OWN_FIGURES = 2
"""Lines with ०-९ from which a page is taken to have more of them."""

_NUMBER = re.compile(r"\d[\d.,/:\-]*\d|\d")
_APART = re.compile(r"(?<=[A-Za-z0-9])\s*([-/])\s*(?=\d)")
_WORD = re.compile(r"[A-Za-z]{3}")
_SIGN = re.compile(r"(?:₹|रु\.?|රු\.?|[Rr]s\.?)\s*$")
_CODE = re.compile(r"(?<![\w-])(?:[A-Z]{1,4}\d*[-/][A-Z0-9/-]*\d|[A-Z]{1,2}\d{3,})$")
"""A bill's number with letters, at the end of a line."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Lines below each other; `bands` are their first and last pixel rows."""

    picture: Pixels
    bands: tuple[tuple[int, int], ...]


def straight(picture: Pixels, quad: Quad) -> Pixels:
    """A line cut out and straightened, with a little room around it."""
    corners = np.asarray(quad, dtype=np.float32)
    first, second, third, fourth = ((float(x), float(y)) for x, y in quad)
    width = max(math.dist(first, second), math.dist(third, fourth), 4.0)
    height = max(math.dist(first, fourth), math.dist(second, third), 4.0)
    scale = LINE_HEIGHT / height
    size = (max(8, round(width * scale)), LINE_HEIGHT)
    room = 0.04 * height
    outward = np.asarray([[-room, -room], [room, -room], [room, room], [-room, room]], dtype=np.float32)
    target = np.asarray([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], dtype=np.float32)
    turn = cv2.getPerspectiveTransform(corners + outward, target)
    return cv2.warpPerspective(
        picture, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8)


def stack(picture: Pixels, quads: Sequence[Quad]) -> Stack:
    """The lines below each other, dark on white."""
    lines = [_dark_on_white(straight(picture, quad)) for quad in quads]
    width = max(line.shape[1] for line in lines) + 2 * MARGIN
    page = np.full((len(lines) * (LINE_HEIGHT + MARGIN) + MARGIN, width), 255, dtype=np.uint8)
    bands = []
    for index, line in enumerate(lines):
        top = MARGIN + index * (LINE_HEIGHT + MARGIN)
        page[top : top + LINE_HEIGHT, MARGIN : MARGIN + line.shape[1]] = line
        bands.append((top, top + LINE_HEIGHT))
    return Stack(page, tuple(bands))


def _dark_on_white(line: Pixels) -> Pixels:
    """Grey, stretched so that paper is white; light letters on dark ground are turned."""
    grey: Pixels = np.asarray(cv2.cvtColor(line, cv2.COLOR_BGR2GRAY), np.uint8)
    if float(np.median(grey)) < 110:
        grey = 255 - grey
    low, high = np.percentile(grey, (2, 75))
    stretched = (grey.astype(np.float32) - low) * (255.0 / max(high - low, 30.0))
    return np.asarray(np.clip(stretched, 0, 255), np.uint8)


def _by_band(words: Sequence[Word], bands: Sequence[tuple[int, int]]) -> list[list[Word]]:
    found: list[list[Word]] = [[] for _ in bands]
    for word in words:
        middle = (word.top + word.bottom) / 2
        for index, (top, bottom) in enumerate(bands):
            if top - MARGIN / 2 <= middle < bottom + MARGIN / 2:
                found[index].append(word)
                break
    return [sorted(line, key=lambda w: w.left) for line in found]


def is_indic(text: str) -> bool:
    """Whether a text has at least two letters of Devanagari or Sinhala."""
    return sum(is_devanagari(c) or is_sinhala(c) for c in text) >= 2


def is_ornament(text: str) -> bool:
    """Whether a line is a rule of dashes or stars."""
    return len(text) > 3 and not any(c.isalnum() for c in text)


def with_figures(read: str, figures: str, sure: float) -> str:
    """The one engine's words with the other's figures, where both saw as many of them."""
    read = _with_code(read, figures)
    if sure < 0.7 or _own(read):
        return plain(read)  # the first engine makes Latin digits of Hindi ones, wrong ones
    read = _APART.sub(r"\1", plain(read))
    mine, other = _NUMBER.findall(read), _NUMBER.findall(figures)
    if len(mine) != len(other):
        return read
    fresh = iter(other)
    return _NUMBER.sub(lambda match: _better(match, next(fresh), sure), read)


def _with_code(read: str, figures: str) -> str:
    """The line with the bill's number at its end as the other engine read it, which reads Latin capitals
    better; the last three digits tell that it is the same."""
    code = _CODE.search(figures)
    if code is None:
        return read
    words = read.replace(":", ": ").split()
    tail: list[str] = []
    while words and (any(c.isdigit() for c in words[-1]) or not is_indic(words[-1])) and words[-1][-1] != ":":
        tail.insert(0, words.pop())
    same = _only_digits("".join(tail))[-3:]
    named_month = sum(is_devanagari(c) or is_sinhala(c) for word in tail for c in word) > 2
    if named_month or not words or len(same) < 3 or _only_digits(code[0])[-3:] != same:
        return read
    return " ".join((*words, code[0]))


def _only_digits(text: str) -> str:
    return "".join(c for c in plain(text) if c.isdigit())


def _own(text: str) -> int:
    """How many of its digits are ०-९."""
    return sum("\u0966" <= c <= "\u096f" for c in text)


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _better(mine: re.Match[str], other: str, sure: float) -> str:
    """The other engine's figure, unless it took the rupee sign or the letter before it for a digit, or is in
    doubt and has more or fewer digits."""
    before = mine.string[: mine.start()]
    misread = _SIGN.search(before) is not None or before[-1:].isalpha()
    if misread and other[1:].lstrip(".,") == mine[0]:
        return mine[0]
    return mine[0] if sure < DOUBT and _digits(mine[0]) != _digits(other) else other


@dataclass(frozen=True, slots=True)
class _Again:
    """A page in work: what was found on it, and what is read anew."""

    picture: Pixels
    found: Found
    tesseract: TesseractEngine
    trained: str
    seconds: float
    texts: list[str]
    confidences: list[float]

    def lines(self, indices: Sequence[int], *, english: bool = True) -> list[list[Word]]:
        """Words of some lines by Tesseract; without `english` by the Indic model alone."""
        page = stack(self.picture, [self.found.quads[i] for i in indices])
        words = self.tesseract.words(page.picture, self.trained, self.seconds, english=english)
        return _by_band(words, page.bands)

    def own_figures(self, indices: Sequence[int]) -> None:
        """Reads lines without words by the Indic model alone and keeps those that are written in ०-९."""
        if not indices:
            return
        for index, words in zip(indices, self.lines(indices, english=False), strict=True):
            text = " ".join(word.text for word in words)
            if 0 < _own(text) >= _digits(text) / 2:
                self.texts[index] = plain(text)
                self.confidences[index] = min(word.confidence for word in words)

    def replace(self, indices: Sequence[int]) -> tuple[int, int]:
        """Reads some lines anew and keeps those in an Indic script; how many there were, and how many lines
        with ०-९."""
        seen = own = 0
        for index, words in zip(indices, self._without_latin(indices), strict=True):
            text, before = " ".join(word.text for word in words), self.found.texts[index]
            own += _own(text) >= 2
            if not is_indic(text):
                if text and not before:
                    self.texts[index] = plain(text)
                    self.confidences[index] = min(word.confidence for word in words)
                continue
            seen += 1
            self.texts[index] = with_figures(text, plain(before), self.found.confidences[index])
            letters = sum(len(w.text) for w in words)
            self.confidences[index] = sum(w.confidence * len(w.text) for w in words) / letters
        return seen, own

    def _without_latin(self, indices: Sequence[int]) -> list[list[Word]]:
        """The lines, the mixed ones among them read by the Indic model alone."""
        lines = self.lines(indices)
        mixed = [at for at, index in enumerate(indices) if _mixed(lines[at], self.found.texts[index])]
        if mixed:
            again = self.lines([indices[at] for at in mixed], english=False)
            for at, words in zip(mixed, again, strict=True):
                if is_indic("".join(word.text for word in words)):
                    lines[at] = words
        return lines


def _mixed(words: Sequence[Word], confirmed: str) -> bool:
    """Whether a line of an Indic script holds words in Latin letters that the first engine did not see: the
    model of two languages makes `five` of a Hindi word now and then."""
    latin = [w.text for w in words if w.text.isascii() and sum(c.isalpha() for c in w.text) >= 2]
    known = confirmed.casefold()
    return is_indic("".join(w.text for w in words)) and any(w.casefold() not in known for w in latin)


def reread(picture: Pixels, found: Found, tesseract: TesseractEngine, trained: str, seconds: float) -> Found:
    """The same lines with those in an Indic script read anew; as they were on a page in Latin script."""
    if not found.quads:
        return found
    lines = [i for i in range(len(found.quads)) if not is_ornament(found.texts[i])]
    order = sorted(lines, key=lambda i: found.confidences[i])
    doubted = [i for i in order if found.confidences[i] < DOUBT or not found.texts[i]]
    if len(doubted) < FEWEST_DOUBTED:
        return found
    glance = order[: max(GLANCE, min(len(doubted), 3 * GLANCE))]
    again = _Again(picture, found, tesseract, trained, seconds, list(found.texts), list(found.confidences))
    seen, own = again.replace(glance)
    rest = [i for i in order if i not in set(glance)]
    if seen >= 2 and rest:
        own += again.replace(rest)[1]
    if own >= OWN_FIGURES:
        texts = again.texts
        again.own_figures([i for i in lines if not is_indic(texts[i]) and not _WORD.search(texts[i])])
    return Found(found.quads, tuple(again.texts), tuple(again.confidences))
