"""Numbers as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indic_numtowords import num2words

from munshi_inference.language.amounts import LARGEST, Number, as_money, find_numbers
from munshi_inference.language.romanise import romanise
from munshi_inference.language.tokens import tokenise


def numbers(text: str) -> list[Number]:
    return find_numbers(tokenise(text), text)


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("1500", "1500", None),
        ("1,25,000/-", "125000", None),
        ("Rs. 99.50", "99.50", "INR"),
        ("Rs.2,500/-", "2500", "INR"),
        ("₹1500", "1500", "INR"),
        ("₹ 2,00,000", "200000", "INR"),
        ("1500rs", "1500", "INR"),
        ("450 rs/-", "450", "INR"),
        ("450 rps", "450", "INR"),
        ("2.5k", "2500", None),
        ("10 K", "10000", None),
        ("2 lakh", "200000", None),
        ("1.5 lac", "150000", None),
        ("2L", "200000", None),
        ("2 lakh 50 hazaar", "250000", None),
        ("5 sau 50", "550", None),
        ("paanch sau", "500", None),
        ("panch so rupay", "500", "INR"),
        ("dedh hazaar", "1500", None),
        ("dhai sau", "250", None),
        ("sawa lakh", "125000", None),
        ("sawa do sau", "225", None),
        ("paune do sau", "175", None),
        ("paune sau", "75", None),
        ("sadhe teen hazaar", "3500", None),
        ("aadha lakh", "50000", None),
        ("bara sau", "1200", None),
        ("hazaar rupaye", "1000", "INR"),
        ("so rupaye", "100", "INR"),
        ("1200+300", "1500", None),
        ("500 + 50 + 20 rs", "570", "INR"),
        ("पाँच सौ", "500", None),
        ("५००", "500", None),
        ("१,२०० रुपये", "1200", "INR"),
        ("डेढ़ हज़ार", "1500", None),
        ("साढ़े चार सौ", "450", None),
        ("सवा दो लाख", "225000", None),
        ("तीन हज़ार दो सौ", "3200", None),
        ("twelve hundred", "1200", None),
        ("seven fifty", "750", None),
        ("one lakh twenty-five thousand three hundred and forty", "125340", None),
        ("a hundred", "100", None),
        ("two thosand", "2000", None),
        ("teen hajaar", "3000", None),
        ("pchas", "50", None),
        ("5oo", "500", None),
        ("1o00", "1000", None),
    ],
)
def test_reads_an_amount(text: str, value: str, currency: str | None) -> None:
    (found,) = numbers(text)
    assert found.value == Decimal(value)
    assert found.currency == currency


@pytest.mark.parametrize(
    "text",
    [
        "likh do",
        "mera bhi tera",
        "so what",
        "bata do na",
        "is it so",
        "hisaab",
        "Paints",
        "chalo ji",
        "sabhi log",
    ],
)
def test_ordinary_words_are_no_numbers(text: str) -> None:
    assert numbers(text) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("do teen sau", ["300"]),
        ("pachas saath", ["50", "60"]),
        ("5 sau 2 kilo", ["500", "2"]),
        ("likh do Rs 500", ["500"]),
        ("sold at Rs 60", ["60"]),
        ("500 ₹200", ["500", "200"]),
        ("2+1 free", ["2", "1"]),
    ],
)
def test_keeps_neighbours_apart(text: str, values: list[str]) -> None:
    assert [n.value for n in numbers(text)] == [Decimal(v) for v in values]


@pytest.mark.parametrize("text", ["3 kg cheeni", "5l doodh", "2 peti", "12 दर्जन", "85%", "10 din"])
def test_marks_quantities(text: str) -> None:
    assert numbers(text)[0].unit


@given(st.integers(10, 99_99_999))
def test_hindi_words_of_an_independent_writer_come_back(value: int) -> None:
    for words in num2words(value, lang="hi", variations=True):
        assert [n.value for n in numbers(words)] == [Decimal(value)], words


@given(st.integers(10, 99_999))
def test_their_romanised_spelling_comes_back(value: int) -> None:
    words = " ".join(romanise(word) for word in num2words(value, lang="hi").split())
    assert [n.value for n in numbers(words)] == [Decimal(value)], words


@given(st.integers(10, 99_99_999))
def test_english_words_come_back(value: int) -> None:
    words = num2words(value, lang="en")
    assert [n.value for n in numbers(words)] == [Decimal(value)], words


@given(
    st.integers(1, 10**9),
    st.sampled_from(["{}", "₹{}", "Rs. {}", "{}/-", "{} rupaye", "{}rs", "Ramesh ko {} diye"]),
)
def test_digits_with_indian_commas_come_back(value: int, frame: str) -> None:
    digits = str(value)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(i - 2, 0) : i] for i in range(len(head), 0, -2)][::-1]
    assert numbers(frame.format(",".join([*pairs, tail])))[0].value == value


@given(st.text(max_size=80))
def test_never_fails(text: str) -> None:
    for number in numbers(text):
        assert isinstance(number.value, Decimal)


@pytest.mark.parametrize(
    ("value", "money"),
    [
        ("500.00", "500"),
        ("99.5", "99.50"),
        ("99.999", "100"),
        ("0", None),
        ("-3", None),
        ("12345678901234", None),
    ],
)
def test_money_fits_the_books(value: str, money: str | None) -> None:
    found = as_money(Decimal(value))
    assert (None if found is None else str(found)) == money
    assert found is None or found <= LARGEST


@pytest.mark.parametrize(
    ("text", "money"),
    [("500/", True), ("500/ jama", True), ("500/kg", False), ("500/2", False), ("2/", False)],
)
def test_a_slash_at_the_end_is_the_short_form_of_money(text: str, money: bool) -> None:
    assert numbers(text)[0].slash is money
