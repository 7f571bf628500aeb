"""The committed model behind the port."""

import asyncio
import json
from datetime import date
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munshi.contracts.understanding import Category, Intent, Request, Script, Understanding
from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.repository import LedgerModel, ModelError, latest, repository
from munshi_inference.training.train import data_hash
from munshi_inference.training.vocabulary import kinds, vocabulary

TODAY = date(2026, 11, 21)
ENGINE = LedgerEngine(LedgerModel(latest(repository())))


def read(text: str) -> Understanding:
    return ENGINE.read(Request(text=text, today=TODAY))


def test_the_entry_point_loads_an_understander() -> None:
    (found,) = entry_points(group="munshi.engines", name="nlu")
    reading = asyncio.run(
        found.load()().understand(Request(text="Ramesh ko 500 ka maal udhaar diya", today=TODAY))
    )
    assert reading.intent is Intent.ADD_TRANSACTION
    assert reading.entities.category is Category.CREDIT
    assert reading.entities.amount == Decimal(500)
    assert reading.entities.customer_name == "Ramesh"
    assert reading.confidence > 0.8


def test_the_card_is_of_this_model_and_these_phrases() -> None:
    folder = latest(repository())
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    common, ledger_words = vocabulary()
    assert card["data_sha256"] == data_hash()
    assert card["vocabulary"] == sorted(common)
    assert card["ledger_words"] == sorted(ledger_words)
    assert card["kinds"] == kinds()
    assert set(card["intents"]) == {intent.value for intent in Intent}
    assert sum(file.stat().st_size for file in folder.iterdir()) < 8_000_000


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="train one first"):
        latest(tmp_path)


@pytest.mark.parametrize(
    ("text", "tag", "script"),
    [
        ("रमेश को 500 उधार दिया", "hi", Script.DEVANAGARI),
        ("Ramesh ko 500 udhaar diya", "hi", Script.LATIN),
        ("gave Ramesh 500 on credit", "en", Script.LATIN),
    ],
)
def test_knows_the_language(text: str, tag: str, script: Script) -> None:
    language = read(text).language
    assert (language.tag, language.script) == (tag, script)


def test_several_entries_of_one_message() -> None:
    reading = read("Ramesh ko 500 udhaar diya, Suresh ne 200 jama kiye")
    entries = [reading, *reading.further]
    assert [e.entities.category for e in entries] == [Category.CREDIT, Category.PAYMENT]
    assert [e.entities.amount for e in entries] == [Decimal(500), Decimal(200)]
    assert [e.entities.customer_name for e in entries] == ["Ramesh", "Suresh"]


def test_a_line_ends_an_entry() -> None:
    reading = read("Ramesh 500 udhaar\nSuresh 200 jama")
    entries = [reading, *reading.further]
    assert [(e.entities.customer_name, e.entities.amount) for e in entries] == [
        ("Ramesh", Decimal(500)),
        ("Suresh", Decimal(200)),
    ]


def test_a_sum_is_one_amount() -> None:
    assert read("Ramesh ko 1200+300 udhaar diya").entities.amount == Decimal(1500)


@pytest.mark.parametrize(
    "text",
    [
        "bizolu 6 kg Ramesh ko udhaar diya 900",
        "Ramesh ko 6 kg bizolu udhaar diya 900",
        "6 kg bizolu given to Ramesh on credit 900",
    ],
)
def test_goods_that_nobody_knows_are_no_customer(text: str) -> None:
    entities = read(text).entities
    assert (entities.customer_name, entities.amount) == ("Ramesh", Decimal(900))


def test_a_name_nobody_has_is_found_by_its_place() -> None:
    assert read("Zhuntavo ko 250 ka rashan udhaar diya").entities.customer_name == "Zhuntavo"
    assert read("झुंटावो ने 300 लौटाए").entities.customer_name == "झुंटावो"


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Ramesh ko maal udhaar diya hai", Category.CREDIT),
        ("सुरेश को सामान उधार दिया", Category.CREDIT),
        ("gave goods on credit to Ramesh", Category.CREDIT),
        ("Ramesh ne paise de diye", Category.PAYMENT),
    ],
)
def test_an_entry_may_come_without_its_amount(text: str, category: Category) -> None:
    reading = read(text)
    assert reading.intent is Intent.ADD_TRANSACTION
    assert reading.entities.category is category
    assert reading.entities.customer_name
    assert reading.entities.amount is None


@pytest.mark.parametrize(
    "text", ["no, it was 450, not 540", "540 nahi 450 tha", "nahi nahi 540 nahi 450 likhna tha"]
)
def test_a_correction_takes_the_number_that_is_not_denied(text: str) -> None:
    reading = read(text)
    assert (reading.intent, reading.entities.amount) == (Intent.CORRECT, Decimal(450))


def test_a_bill_number_after_the_shop_and_a_date_with_it() -> None:
    reading = read("Bill attached. Mehta Traders, no. 3318 dt 12/11/2026, amt 7,600")
    assert reading.intent is Intent.ADD_RECEIPT
    assert reading.entities.invoice_no == "3318"
    assert (reading.entities.amount, reading.entities.date) == (Decimal(7600), "2026-11-12")


def test_rupees_before_a_hyphen_are_no_bill_number() -> None:
    reading = read("Ramesh ko rs-500 udhaar diya")
    assert (reading.entities.amount, reading.entities.invoice_no) == (Decimal(500), None)


def test_a_rate_times_a_quantity_is_the_total() -> None:
    assert read("sold 4 chairs at 1200 each").entities.amount == Decimal(4800)


@pytest.mark.parametrize(
    "text",
    [
        "India won by 7 wickets",
        "kal 5 baje milte hain station pe",
        "your OTP is 4567, do not share",
        "tamatar 80 rupaye kilo ho gaya hai",
        "aaj mausam kaisa hai",
        "मुझे 500 उधार चाहिए",
        "my bus is at 5.45, platform 3",
        "can Dolo 650 be taken twice a day?",
        "dadaji ki pension 4100 aati hai",
        "naani 82 saal ki hain",
        "the river is 340 km long",
        "need 150 plates for the wedding on Sunday",
        "Prakash ko bolo 700 bheje",
        "fridge bechna hai 9000 mein, koi lega kya",
        "मीटिंग 11 बजे कमरा 5 में है",
    ],
)
def test_what_is_none_of_its_business_becomes_no_entry(text: str) -> None:
    reading = read(text)
    assert reading.intent is Intent.OTHER
    assert reading.entities.amount is None


@pytest.mark.parametrize(
    "text", ["", "   ", "\n", "\u200d", "🙏", "?!", "¿", "." * 5000, "१" * 3000, "a" * 5000]
)
def test_odd_texts_get_an_answer(text: str) -> None:
    assert 0 <= read(text).confidence <= 1


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_never_raises_for_a_text(text: str) -> None:
    reading = read(text)
    assert reading.text == text
    assert 0 <= reading.confidence <= 1
