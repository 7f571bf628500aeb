"""Scripts, spellings and words of respect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.contracts.understanding import Script
from munshi_inference.language.honorifics import strip_honorifics
from munshi_inference.language.romanise import key, romanise
from munshi_inference.language.script import fold, script_of
from munshi_inference.language.tokens import tokenise


@pytest.mark.parametrize(
    "spellings",
    [
        "उधार udhaar udhar udaar",
        "हज़ार हजार hazaar hajar hazar",
        "नहीं nahi nahin nahee",
        "दिया diya dia diyaa",
        "बाकी baki baaki baqi",
        "शर्मा sharma sarma",
        "आया aaya aya",
        "खर्च kharch karch",
        "वापस wapas vapas",
        "जमा jama jamaa",
        "पेमेंट payment",
        "भाई bhai bhaai",
    ],
)
def test_spellings_of_a_word_share_a_key(spellings: str) -> None:
    assert len({key(word) for word in spellings.split()}) == 1


@pytest.mark.parametrize(
    "words", ["ramesh rakesh mahesh", "udhaar jama", "diya liya", "sita gita", "kal kaul"]
)
def test_other_words_keep_their_own(words: str) -> None:
    assert len({key(word) for word in words.split()}) == len(words.split())


@pytest.mark.parametrize(
    ("deva", "latin"),
    [("रमेश", "ramesh"), ("कितना", "kitnaa"), ("नमक", "namak"), ("सुनील", "suneel"), ("मतलब", "matlab")],
)
def test_romanises_as_people_do(deva: str, latin: str) -> None:
    assert romanise(deva) == latin


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("रमेश को 500", Script.DEVANAGARI),
        ("Ramesh ko 500", Script.LATIN),
        ("Ramesh को पाँच सौ उधार", Script.DEVANAGARI),
        ("500", Script.LATIN),
        ("", Script.LATIN),
    ],
)
def test_knows_the_script(text: str, script: Script) -> None:
    assert script_of(text) is script


@given(st.text(max_size=60))
def test_folding_keeps_offsets(text: str) -> None:
    assert len(fold(text)) == len(text)
    for token in tokenise(text):
        assert fold(text)[token.start : token.end] == token.text


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Ramesh bhai", "Ramesh"),
        ("Sharma ji", "Sharma"),
        ("Mrs D'Souza", "D'Souza"),
        ("Reddy garu", "Reddy"),
        ("गीता दीदी", "गीता"),
        ("Hussain chacha ji", "Hussain"),
        ("Shree Ram Trading", "Shree Ram Trading"),
        ("teesri manzil wali didi", "teesri manzil wali didi"),
        ("bhai", "bhai"),
        ("Ramesh", "Ramesh"),
    ],
)
def test_strips_respect_but_not_the_name(name: str, plain: str) -> None:
    assert strip_honorifics(name) == plain
