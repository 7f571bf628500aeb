"""Closed lists for voice replies and for corrections of what was read of a receipt."""

from datetime import date
from decimal import Decimal

import pytest

from munshi.contracts.understanding import Category, Entities
from munshi_orchestrator.assistants.ledger.fields import Corrected, corrected
from munshi_orchestrator.assistants.ledger.words import VoiceWish, voice_wish

TODAY = date(2026, 11, 18)


@pytest.mark.parametrize(
    "text",
    [
        "bolkar batao",
        "bol kar bataiye ji",
        "awaaz mein batao",
        "voice reply on",
        "voice note bhejo",
        "reply by voice",
        "please reply in voice",
        "speak to me",
        "आवाज़ में बताओ",
        "बोलकर बताओ",
        "बोल कर बताइए",
    ],
)
def test_speak(text: str) -> None:
    assert voice_wish(text) == VoiceWish(on=True, whole=True)


@pytest.mark.parametrize(
    "text",
    ["voice reply off", "voice band karo", "likhkar batao", "likh kar batao", "no voice replies",
     "reply by text", "आवाज़ बंद करो", "लिखकर बताओ"],
)  # fmt: skip
def test_write(text: str) -> None:
    assert voice_wish(text) == VoiceWish(on=False, whole=True)


@pytest.mark.parametrize("text", ["Ramesh ka balance bolkar batao", "today's total, reply by voice please"])
def test_a_wish_along_with_a_question(text: str) -> None:
    assert voice_wish(text) == VoiceWish(on=True, whole=False)


@pytest.mark.parametrize(
    "text",
    ["Ramesh ko 500 likh do", "audio cable 500 kharid", "Suresh ne bol diya 200 dega", "likh lo",
     "text book 300", "voice coil speaker 1200 bikri", "बोल दिया 500 उधार"],
)  # fmt: skip
def test_no_wish(text: str) -> None:
    assert voice_wish(text) is None


@pytest.mark.parametrize(
    ("text", "entities", "told"),
    [
        ("total 640 hai", {"amount": "640"}, Corrected(total=Decimal(640))),
        ("the amount is 640", {"amount": "640"}, Corrected(total=Decimal(640))),
        ("टोटल 640 है", {"amount": "640"}, Corrected(total=Decimal(640))),
        ("date kal ki hai", {"date": "2026-11-17"}, Corrected(day=date(2026, 11, 17))),
        ("date kal ki hai", {}, Corrected(day=date(2026, 11, 17))),
        ("तारीख़ कल की है", {}, Corrected(day=date(2026, 11, 17))),
        ("vendor Gupta Traders hai", {}, Corrected(vendor="Gupta Traders")),
        ("dukaan ka naam Gupta & Sons hai", {"customer_name": "Gupta"}, Corrected(vendor="Gupta & Sons")),
        ("दुकान का नाम गुप्ता स्टोर है", {}, Corrected(vendor="गुप्ता स्टोर")),
        ("kharcha hai", {}, Corrected(category=Category.EXPENSE)),
        ("aaj ka total kitna hai", {}, Corrected()),
        ("total?", {}, Corrected()),
        ("bijli bill 800", {"amount": "800"}, Corrected()),
        ("dukaan ka kiraya 5000", {"amount": "5000"}, Corrected()),
        ("haan", {}, Corrected()),
    ],
)
def test_fields_named_in_corrections(text: str, entities: dict[str, str], told: Corrected) -> None:
    assert corrected(text, Entities.model_validate(entities), TODAY) == told
