"""Training material: only with consent, masked, labelled by what the person did next."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munshi.contracts.assistant import Effect, KeepSample, SampleOutcome
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import Category, Intent
from munshi_orchestrator.assistants import build

from .engine import real_engine
from .shop import Shop, spec

CREDIT = "Ramesh ko 500 ka maal udhaar diya"
MASKED = "{name} ko {amt} ka maal udhaar diya"


def consenting(**more: Any) -> Shop:
    ledger = {"currency": "INR", "confirmAbove": "50000", "keepTrainingMaterial": True}
    return Shop(build(AssistantKind.LEDGER, real_engine()), spec(ledger=ledger), **more)


def kept(shop: Shop) -> list[KeepSample]:
    """Samples of the last turn."""
    assert shop.outcome is not None
    effects: tuple[Effect, ...] = shop.outcome.effects
    return [effect for effect in effects if isinstance(effect, KeepSample)]


async def test_without_consent_nothing_is_held_or_kept() -> None:
    shop = Shop(build(AssistantKind.LEDGER, real_engine()))
    for text in (CREDIT, "nahi 600 tha", "undo", "aaj ka total"):
        await shop.say(text)
        assert kept(shop) == []
        assert "heard" not in shop.state


async def test_a_sentence_is_kept_with_the_next_message() -> None:
    shop = consenting()
    await shop.say(CREDIT)
    assert kept(shop) == [], "whether it was understood is not known yet"
    await shop.say("aaj ka total kya hai")
    (sample,) = kept(shop)
    assert sample.text == MASKED
    assert (sample.intent, sample.category) == (Intent.ADD_TRANSACTION, Category.CREDIT)
    assert (sample.language.tag, sample.language.script) == ("hi", "Latn")
    assert (sample.outcome, sample.changed) == (SampleOutcome.KEPT, ())
    assert sample.confidence > 0.5


async def test_a_correction_labels_what_it_corrects() -> None:
    shop = consenting()
    await shop.say(CREDIT)
    await shop.say("nahi 600 tha")
    (sample,) = kept(shop)
    assert (sample.text, sample.outcome) == (MASKED, SampleOutcome.CORRECTED)
    assert sample.changed == ("amount",)


async def test_a_corrected_category_is_the_label() -> None:
    shop = consenting()
    await shop.say(CREDIT)
    await shop.say("nahi, jama tha")
    (sample,) = kept(shop)
    assert sample.outcome is SampleOutcome.CORRECTED
    assert "category" in sample.changed
    assert sample.category is Category.PAYMENT


async def test_what_was_undone_says_so() -> None:
    shop = consenting()
    await shop.say(CREDIT)
    await shop.say("undo")
    assert [one.outcome for one in kept(shop)] == [SampleOutcome.UNDONE]
    await shop.say("hello")
    assert [(one.text, one.outcome) for one in kept(shop)] == [("undo", SampleOutcome.KEPT)]


async def test_a_question_that_waits_holds_its_sentence_back_and_a_no_drops_it() -> None:
    shop = consenting()
    await shop.say("Ramesh ko 90000 ka maal udhaar diya")
    assert shop.titles(), "it is asked about"
    await shop.tap(1)
    assert [one.outcome for one in kept(shop)] == [SampleOutcome.DROPPED]


async def test_consent_that_is_withdrawn_clears_what_was_held_back() -> None:
    shop = consenting()
    await shop.say(CREDIT)
    assert shop.state["heard"]
    shop.spec = spec()
    await shop.say("hello")
    assert kept(shop) == []
    assert "heard" not in shop.state


async def test_a_customer_named_like_a_word_keeps_the_word_out() -> None:
    shop = consenting()
    await shop.say("Maal ko 500 udhaar diye")
    shop.person_name = "Udhaar Singh"
    await shop.say(CREDIT)
    await shop.say("hello")
    assert all("udhaar" not in one.text for one in kept(shop))


names = st.sampled_from(["Ramesh", "sunita", "Gupta Traders", "Qvzy", "रमेश", "Diya", "Mohd. Aslam", "Maal"])
numbers = st.sampled_from(["500", "2.5k", "पाँच सौ", "dhai hazaar", "₹99.50", "9820012345", "१२००"])
frames = st.sampled_from(
    [
        "{0} ko {1} ka maal udhaar diya",
        "{0} ne {1} wapas kiye",
        "{0} ka kitna baaki hai",
        "nahi {1} tha",
        "nahi {0} tha",
        "{0} ko kal {1} diye, {0}@okaxis pe",
        "undo",
        "gave goods worth {1} to {0} on credit",
        "uska balance?",
    ]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(frames, names, numbers), min_size=2, max_size=6), names)
async def test_nothing_of_anybody_is_kept_or_held_back(talk: list[tuple[str, str, str]], person: str) -> None:
    shop = consenting(person_name=person)
    forbidden = {word.casefold() for _, name, _ in talk for word in name.split()} - {"maal"}
    for frame, name, number in talk:
        await shop.say(frame.format(name, number))
        texts = [one.text for one in kept(shop)] + [one["text"] for one in shop.state.get("heard", ())]
        for text in texts:
            assert not any(char.isnumeric() for char in text)
            left = text.replace("{name}", "").split()
            clash = forbidden & set(left)
            assert clash <= {"diya"}, (text, talk)
            assert person.casefold().split()[0] not in left
        assert "wamid" not in json.dumps([one.model_dump(mode="json") for one in kept(shop)])


@pytest.mark.parametrize("text", ["500", "Ramesh", "🙂🙂"])
async def test_what_says_nothing_is_not_kept(text: str) -> None:
    shop = consenting()
    await shop.say(text)
    await shop.say("hello")
    assert kept(shop) == []
