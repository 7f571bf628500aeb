"""Personal data out of prompts and back into answers; amounts and everyday words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.llm.masking import Mask, luhn_holds, verhoeff_holds


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("call me on +91 98200 12345", "call me on <phone_1>"),
        ("9820012345 pe phone karo", "<phone_1> pe phone karo"),
        ("mail a.b@shop.co.in or pay 98200@okicici", "mail <email_1> or pay <upi_1>"),
        ("GSTIN 27AAPFU0939F1ZV, PAN AAPFU0939F", "GSTIN <gstin_1>, PAN <pan_1>"),
        ("IFSC HDFC0001234", "IFSC <ifsc_1>"),
        ("Aadhaar 2341 2341 2346", "Aadhaar <aadhaar_1>"),
        ("card 4111 1111 1111 1111", "card <card_1>"),
        ("NIC 901234567V", "NIC <nic_1>"),
        ("9820012345 aur 9820012346 aur 9820012345", "<phone_1> aur <phone_2> aur <phone_1>"),
        ("Ramesh ko 500 ka maal diya, kal 25000 aayenge", "<name_1> ko 500 ka maal diya, kal 25000 aayenge"),
        ("RAMESH aur Rameshwar", "<name_1> aur Rameshwar"),
        ("total 1,25,000.50 on 12/11/2026, bill 4711", "total 1,25,000.50 on 12/11/2026, bill 4711"),
        ("123456789012 is a bill's number", "123456789012 is a bill's number"),
        ("<b>5 < 6</b>", "<b>5 < 6</b>"),
    ],
)
def test_what_is_personal_is_hidden_and_shown_again(text: str, hidden: str) -> None:
    mask = Mask("IN", names=["Ramesh"])
    assert mask.hide(text) == hidden
    assert mask.show(hidden).casefold() == text.casefold()


def test_one_mask_serves_all_texts_of_a_prompt() -> None:
    mask = Mask("IN")
    assert mask.hide("from 9820012345") == "from <phone_1>"
    assert mask.hide("to 9820012346, cc 9820012345") == "to <phone_2>, cc <phone_1>"
    assert mask.show("I called <phone_2> and <phone_9>") == "I called 9820012346 and <phone_9>"


def test_a_lankan_number_needs_its_region() -> None:
    assert Mask("LK").hide("call 077 123 4567") == "call <phone_1>"


@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    mask = Mask("IN")
    hidden = mask.hide(text)
    if not any(mark in text for mark in ("<phone_", "<upi_", "<email_")):
        assert mask.show(hidden) == text


@pytest.mark.parametrize(("number", "holds"), [("234123412346", True), ("234123412347", False)])
def test_the_checksum_of_aadhaar(number: str, holds: bool) -> None:
    assert verhoeff_holds(number) is holds


@pytest.mark.parametrize(("number", "holds"), [("4111111111111111", True), ("4111111111111112", False)])
def test_the_checksum_of_cards(number: str, holds: bool) -> None:
    assert luhn_holds(number) is holds
