"""Sets of drawn documents: the same seed draws the same ones."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from munshi_inference.training.documents import bills, drawing, layouts, wear
from munshi_inference.training.documents.bills import Bill, Truth
from munshi_inference.training.documents.layouts import Sheet

PROFILES = ("clean", "phone", "hindi", "hindi-phone", "sinhala", "sinhala-phone")
"""English as scanned and as photographed; Hindi and Sinhala likewise."""
_LANGUAGES = {"clean": "en", "phone": "en", "hindi": "hi", "sinhala": "si"}
_READ = {"en": ("en", "hi"), "hi": ("hi", "en"), "si": ("si", "en")}
"""The languages of the tenant that sends them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and what is true of it."""

    name: str
    data: bytes
    truth: Truth
    languages: tuple[str, ...]


def content(rng: random.Random, *, language: str, others: bool, varied: bool = False) -> Bill:
    """A bill; with `others` now and then a slip or something else. `varied`: for texts, see `bills`."""
    chance = rng.random()
    if others and chance < 0.1:
        return bills.other(rng, language=language)
    if others and chance < 0.22:
        return bills.slip(rng, language=language, varied=varied)
    return bills.bill(rng, language=language, varied=varied)


def text(sheet: Sheet) -> str:
    """What stands on a sheet, row by row."""
    return "\n".join("  ".join(cell.text for cell in strip.cells) for strip in sheet.strips if strip.cells)


def samples(profile: str, count: int, seed: int, *, first: int = 0, others: bool = False) -> Iterator[Sample]:
    """`count` documents of a profile, from the one numbered `first`."""
    language = _LANGUAGES[profile.removesuffix("-phone")]
    worn = wear.photographed if profile.endswith("phone") else wear.clean
    for index in range(first, first + count):
        rng = random.Random(f"{profile}/{seed}/{index}")
        bill = content(rng, language=language, others=others)
        paper = np.asarray(drawing.draw(layouts.lay(bill, rng), rng))
        yield Sample(
            f"{profile}-{seed}-{index:04d}",
            worn(paper, rng).data,
            bill.truth,
            _READ[language],
        )
