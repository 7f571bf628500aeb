"""Businesses whose bills came before, in the other script: every one in the books at once."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from munshi.contracts.tenant import AssistantKind
from munshi_orchestrator.assistants import build

from .play import picture
from .scripted import WRITINGS, Scripted
from .shop import Shop

HERE = Path(__file__).parent


def pairs_of(file: Path) -> list[list[str]]:
    """Names in Latin letters and in Devanagari."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


async def shop_that_knows(names: Iterable[str]) -> Shop:
    """A shop that booked a bill of each business."""
    shop = Shop(build(AssistantKind.LEDGER, Scripted()))
    shop.language = WRITINGS["hinglish"]
    for number, name in enumerate(names):
        await shop.turn(picture(shop, {"vendor": name, "total": 100 + number, "sha256": f"{number:064x}"}))
        await shop.tap(0)
    return shop


async def taken_for(shop: Shop, name: str, number: int) -> str:
    """The business whose bill a picture is said to be."""
    row = {"vendor": name, "total": 1000 + number, "sha256": f"{1000 + number:064x}"}
    told = await shop.turn(picture(shop, row))
    await shop.tap(2)
    return told.splitlines()[0].partition(": ")[2]


@pytest.mark.parametrize(
    ("names", "share"),
    [
        (HERE.parent / "embeddings" / "names.tsv", 0.95),
        (HERE / "shops.tsv", 0.9),
        (HERE / "namesakes.tsv", 0.95),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else "",
)
async def test_bills_in_devanagari_are_of_the_businesses_that_are_known_in_latin_letters(
    names: Path, share: float
) -> None:
    """None is ever taken for another one, however alike."""
    pairs = pairs_of(names)
    shop = await shop_that_knows(latin for latin, _ in pairs)
    known = {latin for latin, _ in pairs}
    heads = [await taken_for(shop, devanagari, number) for number, (_, devanagari) in enumerate(pairs)]
    found = [pair for pair, head in zip(pairs, heads, strict=True) if head == pair[0]]
    wrong = [(pair, head) for pair, head in zip(pairs, heads, strict=True) if head in known - {pair[0]}]
    assert wrong == []
    assert len(found) >= share * len(pairs), f"{len(found)} of {len(pairs)}"


async def test_a_business_that_is_not_in_the_books_is_not_taken_for_its_namesakes() -> None:
    """Half of the businesses are in the books; bills of the others, in Devanagari, are of none of them."""
    pairs = pairs_of(HERE / "namesakes.tsv")
    shop = await shop_that_knows(latin for latin, _ in pairs[::2])
    for number, (_, devanagari) in enumerate(pairs[1::2]):
        assert await taken_for(shop, devanagari, number) == devanagari
