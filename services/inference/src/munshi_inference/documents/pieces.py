"""Pieces of text with their places, put into rows as a person reads them. Pure."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

COLUMN_GAP = 1.6
"""Of a row's height: a wider gap between two pieces is the gap between two columns."""

FEWEST_LONG = 5
"""Long lines on a page from which perspective can be told."""

STEEPEST = 0.08
"""Slope that a line may still have after the page was turned level; more is a mistake."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text on one line. Places in pixels (or points of a PDF), from the top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float = 1.0
    """Of the engine, 0 to 1: that the letters are right."""

    @property
    def middle(self) -> float:
        """Height of its middle."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """How tall it is; never 0."""
        return max(self.bottom - self.top, 1e-3)

    @property
    def width(self) -> float:
        """How wide it is."""
        return self.right - self.left


Quad = Sequence[Sequence[float]]
"""Four corners, clockwise from the top left."""


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces side by side, left to right."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """All of it; columns are apart by two spaces."""
        words = [self.pieces[0].text] if self.pieces else []
        for before, after in zip(self.pieces, self.pieces[1:], strict=False):
            wide = after.left - before.right > COLUMN_GAP * min(before.height, after.height)
            words += ["  " if wide else " ", after.text]
        return "".join(words).strip()

    @property
    def columns(self) -> tuple["Row", ...]:
        """The row cut where a wide gap is."""
        parts: list[list[Piece]] = []
        for piece in self.pieces:
            if parts:
                before = parts[-1][-1]
                if piece.left - before.right <= COLUMN_GAP * min(before.height, piece.height):
                    parts[-1].append(piece)
                    continue
            parts.append([piece])
        return tuple(Row(tuple(part)) for part in parts)

    @property
    def confidence(self) -> float:
        """The engine's, by length of text."""
        letters = sum(len(p.text) for p in self.pieces)
        return sum(p.confidence * len(p.text) for p in self.pieces) / letters if letters else 0.0

    @property
    def middle(self) -> float:
        """Height of its middle."""
        return statistics.fmean(p.middle for p in self.pieces)

    @property
    def height(self) -> float:
        """Median height of its pieces."""
        return statistics.median(p.height for p in self.pieces)


def skew(quads: Iterable[Quad]) -> float:
    """The angle by which lines of text run downwards, in radians, from boxes at least three times as wide as
    tall; 0 where there are none."""
    angles = []
    for quad in quads:
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad
        run, fall = bx - ax + cx - dx, by - ay + cy - dy
        tall = math.hypot(dx - ax, dy - ay)
        if math.hypot(run, fall) / 2 > 3 * tall > 0:
            angles.append(math.atan2(fall, run))
    return statistics.median(angles) if angles else 0.0


def _leaning(quads: Sequence[Quad]) -> tuple[float, float]:
    """How the slope of lines changes down the page seen from the side: slope = first + second * height, by
    least squares over boxes at least three times as wide as tall, long ones counting for more."""
    weights, heights, slopes = [], [], []
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in quads:
        run, fall = (bx - ax + cx - dx) / 2, (by - ay + cy - dy) / 2
        if run > 3 * math.hypot(dx - ax, dy - ay) > 0:
            weights.append(run)
            heights.append((ay + by + cy + dy) / 4)
            slopes.append(fall / run)
    if len(weights) < FEWEST_LONG:
        return 0.0, 0.0
    total = sum(weights)
    height = sum(w * h for w, h in zip(weights, heights, strict=True)) / total
    slope = sum(w * s for w, s in zip(weights, slopes, strict=True)) / total
    spread = sum(w * (h - height) ** 2 for w, h in zip(weights, heights, strict=True))
    both = sum(w * (h - height) * (s - slope) for w, h, s in zip(weights, heights, slopes, strict=True))
    change = both / spread if spread > 0 else 0.0
    return slope - change * height, change


def upright(quads: Sequence[Quad], texts: Sequence[str], confidences: Sequence[float]) -> list[Piece]:
    """Pieces of boxes that may lie askew, turned and sheared so that lines run level also in perspective."""
    angle = skew(quads)
    cosine, sine = math.cos(-angle), math.sin(-angle)
    turned = [[(x * cosine - y * sine, x * sine + y * cosine) for x, y in quad] for quad in quads]
    first, change = _leaning(turned)
    pieces = []
    for quad, text, confidence in zip(turned, texts, confidences, strict=True):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad
        slope = first + change * (ay + by + cy + dy) / 4
        lift = min(max(slope, -STEEPEST), STEEPEST) * (ax + bx + cx + dx) / 4
        pieces.append(
            Piece(
                text,
                (ax + dx) / 2,
                (ay + by) / 2 - lift,
                (bx + cx) / 2,
                (cy + dy) / 2 - lift,
                float(confidence),
            )
        )
    return pieces


def rows(pieces: Iterable[Piece]) -> list[Row]:
    """Pieces put into rows, from top to bottom.

    A piece joins the row whose last piece is next to it at the same height, so that rows may bend with the
    paper.
    """
    open_rows: list[list[Piece]] = []
    for piece in sorted((p for p in pieces if p.text.strip()), key=lambda p: (p.left, p.top)):
        best, distance = None, math.inf
        for row in open_rows:
            last = row[-1]
            apart = abs(last.middle - piece.middle)
            fits = apart < 0.55 * min(last.height, piece.height)
            if fits and piece.left > last.left + 0.5 * last.width and apart < distance:
                best, distance = row, apart
        if best is None:
            open_rows.append([piece])
        else:
            best.append(piece)
    return sorted((Row(tuple(row)) for row in open_rows), key=lambda row: row.middle)


def split_words(piece: Piece) -> list[Piece]:
    """A piece cut at its spaces, each word given its share of the width."""
    words = piece.text.split()
    if len(words) < 2:
        return [replace(piece, text=piece.text.strip())]
    letter = piece.width / max(len(piece.text), 1)
    found, at = [], 0
    for word in words:
        at = piece.text.index(word, at)
        found.append(
            replace(
                piece,
                text=word,
                left=piece.left + at * letter,
                right=piece.left + (at + len(word)) * letter,
            )
        )
        at += len(word)
    return found
