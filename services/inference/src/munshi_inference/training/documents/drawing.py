"""Draws a sheet with Pillow, in the fonts of Debian's packages (`make system-packages`)."""

import functools
import random
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from munshi_inference.documents.letters import is_devanagari, is_sinhala
from munshi_inference.training.documents.layouts import Cell, Sheet, Strip

FONTS = Path("/usr/share/fonts/truetype")

LATIN = (
    ("dejavu/DejaVuSansMono.ttf", "dejavu/DejaVuSansMono-Bold.ttf"),
    ("liberation/LiberationMono-Regular.ttf", "liberation/LiberationMono-Bold.ttf"),
    ("hack/Hack-Regular.ttf", "hack/Hack-Bold.ttf"),
    ("dejavu/DejaVuSans.ttf", "dejavu/DejaVuSans-Bold.ttf"),
    ("liberation/LiberationSans-Regular.ttf", "liberation/LiberationSans-Bold.ttf"),
    ("noto/NotoSans-Regular.ttf", "noto/NotoSans-Bold.ttf"),
    ("roboto/unhinted/RobotoCondensed-Regular.ttf", "roboto/unhinted/RobotoCondensed-Bold.ttf"),
    ("liberation/LiberationSerif-Regular.ttf", "liberation/LiberationSerif-Bold.ttf"),
)
"""A font and its bold."""
DEVANAGARI = (
    ("noto/NotoSansDevanagari-Regular.ttf", "noto/NotoSansDevanagari-Bold.ttf"),
    ("noto/NotoSerifDevanagari-Regular.ttf", "noto/NotoSerifDevanagari-Bold.ttf"),
    ("lohit-devanagari/Lohit-Devanagari.ttf", "lohit-devanagari/Lohit-Devanagari.ttf"),
)
SINHALA = (
    ("noto/NotoSansSinhala-Regular.ttf", "noto/NotoSansSinhala-Bold.ttf"),
    ("noto/NotoSerifSinhala-Regular.ttf", "noto/NotoSerifSinhala-Bold.ttf"),
)
_KEEP = " \u200c\u200d"
"""Spaces and joiners stand in the font of what is before them."""
RUPEE = "dejavu/DejaVuSans.ttf"
"""For fonts that lack the sign."""


class FontsMissing(Exception):
    """Fonts or the library that shapes Hindi are not installed."""


def check() -> None:
    """Raises `FontsMissing`, naming the step, where documents cannot be drawn here."""
    wanted = [name for pair in (*LATIN, *DEVANAGARI, *SINHALA) for name in pair]
    missing = [name for name in wanted if not (FONTS / name).exists()]
    if missing:
        raise FontsMissing(f"fonts are missing ({missing[0]}, …): make system-packages")
    if not features.check("raqm"):
        raise FontsMissing("Pillow cannot shape Hindi here: install libfribidi0 (make system-packages)")


@functools.lru_cache(maxsize=256)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / name), size, layout_engine=ImageFont.Layout.RAQM)


class Pen:
    """Writes mixed text in one Latin font and one of Devanagari, or of Sinhala."""

    def __init__(self, rng: random.Random, size: int, *, sinhala: bool = False) -> None:
        self._latin = rng.choice(LATIN)
        self._indic = rng.choice(SINHALA if sinhala else DEVANAGARI)
        self.size = size

    def runs(self, text: str, size: float, *, bold: bool) -> list[tuple[str, ImageFont.FreeTypeFont]]:
        """The text cut where its font changes."""
        pixels = max(8, round(self.size * size))
        found: list[tuple[str, ImageFont.FreeTypeFont]] = []
        for character in text:
            if is_devanagari(character) or is_sinhala(character) or "\u0964" <= character <= "\u096f":
                font = _font(self._indic[bold], pixels)
            elif character == "₹":
                font = _font(RUPEE, pixels)
            elif character in _KEEP and found:
                font = found[-1][1]
            else:
                font = _font(self._latin[bold], pixels)
            if found and found[-1][1] is font:
                found[-1] = (found[-1][0] + character, font)
            else:
                found.append((character, font))
        return found

    def width(self, text: str, size: float, *, bold: bool) -> float:
        """Pixels that a text takes."""
        return sum(font.getlength(run) for run, font in self.runs(text, size, bold=bold))


def _write(
    draw: ImageDraw.ImageDraw, pen: Pen, cell: Cell, strip: Strip, place: tuple[float, float, float, int]
) -> None:
    """One cell; `place`: left edge, width of the page's text, baseline, shade of the ink."""
    left, width, baseline, ink = place
    long = pen.width(cell.text, strip.size, bold=strip.bold)
    at = left + cell.at * width - {"left": 0.0, "middle": long / 2, "right": long}[cell.align]
    for run, font in pen.runs(cell.text, strip.size, bold=strip.bold):
        draw.text((at, baseline), run, fill=ink, font=font, anchor="ls")
        at += font.getlength(run)


def _shrunk(strip: Strip, pen: Pen, width: float) -> Strip:
    """The strip in smaller letters where its cells would run into each other or over the edge."""
    size = strip.size
    for _ in range(12):
        spans = []
        for cell in strip.cells:
            long = pen.width(cell.text, size, bold=strip.bold)
            start = cell.at * width - {"left": 0.0, "middle": long / 2, "right": long}[cell.align]
            spans.append((start, start + long))
        gap = 0.25 * pen.size
        fits = all(start >= -1 and end <= width + 1 for start, end in spans)
        apart = all(a[1] + gap < b[0] for a, b in pairwise(spans))
        if fits and apart:
            break
        size *= 0.93
    return Strip(strip.cells, size, strip.bold, strip.rule)


def draw(sheet: Sheet, rng: random.Random) -> Image.Image:
    """The sheet in grey, dark on white."""
    if sheet.wide:
        size, width, margin = rng.choice((24, 26, 28)), rng.choice((1240, 1400)), 90
    else:
        size, width, margin = rng.choice((22, 24, 26, 28)), rng.choice((480, 560, 640)), 24
    letters = "".join(cell.text for strip in sheet.strips for cell in strip.cells)
    pen = Pen(rng, size, sinhala=any(map(is_sinhala, letters)))
    inner = width - 2 * margin
    strips = [_shrunk(strip, pen, inner) for strip in sheet.strips]
    spacing = rng.uniform(1.35, 1.8)
    height = int(2 * margin + sum(spacing * size * max(1.0, s.size) for s in strips))
    if sheet.wide:
        height = max(height, int(width * 1.1))
    paper = Image.new("L", (width, height), 255)
    pencil = ImageDraw.Draw(paper)
    ink = rng.randint(0, 50)
    top = float(margin)
    for strip in strips:
        tall = spacing * size * max(1.0, strip.size)
        baseline = top + 0.72 * tall
        if strip.rule == "line":
            pencil.line((margin, top + tall / 2, width - margin, top + tall / 2), fill=ink, width=2)
        elif strip.rule:
            mark = {"dashes": "-", "stars": "*", "equals": "="}[strip.rule]
            count = int(inner / pen.width(mark, 1.0, bold=False))
            _write(pencil, pen, Cell(mark * count, 0.0), Strip(), (margin, inner, baseline, ink))
        for cell in strip.cells:
            _write(pencil, pen, cell, strip, (margin, inner, baseline, ink))
        top += tall
    return paper
