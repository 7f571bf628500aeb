"""Businesses whose bills came before, in the other script: every one in the books at once."""

from pathlib import Path

from munshi.contracts.tenant import AssistantKind
from munshi_orchestrator.assistants import build

from .play import picture
from .scripted import WRITINGS, Scripted
from .shop import Shop

NAMES = Path(__file__).parents[1] / "embeddings" / "names.tsv"


async def test_bills_in_devanagari_are_of_the_businesses_that_are_known_in_latin_letters() -> None:
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if not line.startswith("#")]
    shop = Shop(build(AssistantKind.LEDGER, Scripted()))
    shop.language = WRITINGS["hinglish"]
    for number, (latin, _) in enumerate(pairs):
        await shop.turn(picture(shop, {"vendor": latin, "total": 100 + number, "sha256": f"{number:064x}"}))
        await shop.tap(0)
    known = {latin for latin, _ in pairs}
    found, wrong = 0, []
    for number, (latin, devanagari) in enumerate(pairs, start=1000):
        row = {"vendor": devanagari, "total": number, "sha256": f"{number:064x}"}
        told = await shop.turn(picture(shop, row))
        head = told.splitlines()[0].partition(": ")[2]
        found += head == latin
        wrong += [(devanagari, head)] if head in known and head != latin else []
        await shop.tap(2)
    assert wrong == []
    assert found >= 0.7 * len(pairs), f"{found} of {len(pairs)}"
