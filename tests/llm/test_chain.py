"""The chain of models, over the real protocol against a model that answers by a script."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from munshi.contracts.llm import Terms
from munshi.errors import Permanent, Retryable
from munshi.llm.settings import LlmSettings
from rig.model_chain import SHARMA, VERMA, Book, chain, prompt
from rig.scripted_llm import Line, scripted_llm


class Mood(BaseModel):
    """What is asked for in the tests of structured output."""

    mood: str
    score: int


async def test_an_answer_has_its_tokens_and_its_price() -> None:
    book = Book()
    async with (
        scripted_llm(Line("He owes 500 rupees")) as model,
        chain(model, book=book) as (models, registry),
    ):
        answer = await models.answer(prompt())
    assert answer.text == "He owes 500 rupees"
    assert answer.spent.model == "m1"
    assert (answer.spent.prompt_tokens, answer.spent.completion_tokens) == (7, 4)
    assert answer.spent.dollars == Decimal("0.000047")
    assert [(call["outcome"], call["tokens"], call["dollars"]) for call in book.calls] == [
        ("done", (7, 4), Decimal("0.000047"))
    ]
    labels = {"model": "m1", "purpose": "test", "outcome": "done"}
    assert registry.get_sample_value("munshi_llm_calls_total", labels) == 1
    assert registry.get_sample_value("munshi_llm_tokens_total", {"model": "m1", "kind": "prompt"}) == 7


@pytest.mark.parametrize(
    "fault", [Line(status=503), Line(status=429), Line(status=401), Line("late", seconds=5)]
)
async def test_the_next_model_takes_over(fault: Line) -> None:
    book = Book()
    async with (
        scripted_llm(fault) as first,
        scripted_llm(Line("from the second")) as second,
        chain(first, second, book=book, seconds=3) as (models, _),
    ):
        answer = await models.answer(prompt())
        again = await models.answer(prompt())
    assert (answer.text, answer.spent.model, again.spent.model) == ("from the second", "m2", "m2")
    assert len(first.asked) == 1, "what was away is left alone for a while"
    assert [call["outcome"] for call in book.calls] == ["failed", "done", "done"]


async def test_a_third_model_takes_over_from_the_second() -> None:
    away = Line(status=500)
    async with (
        scripted_llm(away) as first,
        scripted_llm(away) as second,
        scripted_llm(Line("third")) as third,
        chain(first, second, third) as (models, _),
    ):
        assert (await models.answer(prompt())).text == "third"


async def test_all_away_may_be_tried_again_later() -> None:
    async with scripted_llm(Line(status=500)) as model, chain(model) as (models, _):
        for _ in range(2):
            with pytest.raises(Retryable):
                await models.answer(prompt())
    assert len(model.asked) == 2, "the only model is tried each time"


async def test_a_refused_prompt_is_not_offered_round() -> None:
    async with (
        scripted_llm(Line(status=400)) as first,
        scripted_llm(Line("x")) as second,
        chain(first, second) as (models, _),
    ):
        with pytest.raises(Permanent) as raised:
            await models.answer(prompt())
    assert raised.value.reason == "llm_refused"
    assert second.asked == []


async def test_all_tries_share_one_deadline() -> None:
    slow = Line("late", seconds=5)
    async with scripted_llm(slow) as first, scripted_llm(slow) as second, chain(first, second) as (models, _):
        with pytest.raises(Retryable, match=r"0\.3 s"):
            await models.answer(prompt(seconds=0.3))
        assert second.asked == [], "the first has used it up"


class TestShape:
    """Structured output."""

    async def test_the_schema_is_asked_for_and_read(self) -> None:
        async with scripted_llm(Line('{"mood": "calm", "score": 7}')) as model, chain(model) as (models, _):
            answer = await models.shaped(prompt(), Mood)
        assert answer.value == Mood(mood="calm", score=7)
        asked = model.asked[0]["response_format"]
        assert asked["type"] == "json_schema"
        assert asked["json_schema"]["schema"] == Mood.model_json_schema()

    @pytest.mark.parametrize(
        "wrong", ["no json", '{"mood": "calm"}', '{"mood": "calm", "score": "many"}', "[]"]
    )
    async def test_a_miss_is_told_and_mended(self, wrong: str) -> None:
        book = Book()
        right = Line('{"mood": "calm", "score": 7}')
        async with scripted_llm(Line(wrong), right) as model, chain(model, book=book) as (models, _):
            answer = await models.shaped(prompt(), Mood)
        assert answer.value.score == 7
        assert "not valid" in model.said_to_it()
        assert len(book.calls) == 2, "both tries are paid for"
        assert answer.spent.dollars == sum(call["dollars"] for call in book.calls)

    async def test_who_misses_twice_is_passed_over(self) -> None:
        right = Line('{"mood": "calm", "score": 7}')
        async with (
            scripted_llm(Line("no json")) as first,
            scripted_llm(right) as second,
            chain(first, second) as (models, _),
        ):
            assert (await models.shaped(prompt(), Mood)).spent.model == "m2"
            assert len(first.asked) == 2

    async def test_nothing_that_fits_is_said_so(self) -> None:
        async with scripted_llm(Line("no json")) as model, chain(model) as (models, _):
            with pytest.raises(Permanent) as raised:
                await models.shaped(prompt(), Mood)
        assert raised.value.reason == "llm_invalid"

    async def test_what_was_hidden_is_shown_inside_the_json(self) -> None:
        def echo(body: Any) -> Line:
            asked = body["messages"][-1]["content"]
            return Line(json.dumps({"mood": asked, "score": 1}))

        async with scripted_llm(echo) as model, chain(model) as (models, _):
            answer = await models.shaped(prompt('say "9820012345"'), Mood)
        assert "9820012345" not in model.said_to_it()
        assert answer.value.mood == 'say "9820012345"'


class TestPersonalData:
    """Hidden, unless the tenant allows otherwise."""

    async def test_numbers_and_names_do_not_leave(self) -> None:
        async with scripted_llm(Line("Call <name_1> on <phone_1>")) as model, chain(model) as (models, _):
            answer = await models.answer(prompt("Ramesh, 9820012345", names=("Ramesh",)))
        assert model.said_to_it() == "You keep books.\n<name_1>, <phone_1>"
        assert answer.text == "Call Ramesh on 9820012345"

    async def test_a_tenant_may_let_them_leave(self) -> None:
        async with scripted_llm(Line("ok")) as model, chain(model) as (models, _):
            await models.answer(
                prompt("Ramesh, 9820012345", terms=Terms(personal_data=True), names=("Ramesh",))
            )
        assert model.said_to_it() == "You keep books.\nRamesh, 9820012345"

    async def test_each_tenant_has_a_prefix_cache_of_its_own(self) -> None:
        async with scripted_llm(Line("ok")) as model, chain(model, cache_salt=True) as (models, _):
            for tenant in (SHARMA, VERMA, SHARMA):
                await models.answer(prompt(tenant=tenant))
        salts = [asked["cache_salt"] for asked in model.asked]
        assert salts[0] == salts[2] != salts[1]
        assert SHARMA not in salts[0]

    async def test_other_servers_are_sent_no_salt(self) -> None:
        async with scripted_llm(Line("ok")) as model, chain(model) as (models, _):
            await models.answer(prompt())
        assert "cache_salt" not in model.asked[0]


class TestBudget:
    """A clear end."""

    async def test_over_the_budget_nothing_is_asked(self) -> None:
        terms = Terms(monthly_budget=Decimal("0.0102"))
        async with scripted_llm(Line("one two three")) as model, chain(model) as (models, registry):
            reasons = []
            for _ in range(10):
                try:
                    await models.answer(prompt(terms=terms, most_tokens=1000))
                except Permanent as error:
                    reasons.append(error.reason)
            assert 0 < len(model.asked) < 10
            assert reasons == ["llm_budget"] * (10 - len(model.asked))
            labels = {"model": "m1", "purpose": "test", "outcome": "over_budget"}
            assert registry.get_sample_value("munshi_llm_calls_total", labels) == len(reasons)

    async def test_another_tenant_goes_on(self) -> None:
        terms = Terms(monthly_budget=Decimal("0.0001"))
        async with scripted_llm(Line("ok")) as model, chain(model) as (models, _):
            with pytest.raises(Permanent):
                await models.answer(prompt(terms=terms))
            assert (await models.answer(prompt(tenant=VERMA))).text == "ok"


class TestStream:
    """Piece by piece."""

    async def test_pieces_come_as_they_are_said(self) -> None:
        book = Book()
        async with scripted_llm(Line("He owes 500")) as model, chain(model, book=book) as (models, _):
            pieces = [piece async for piece in models.stream(prompt())]
        assert pieces == ["He ", "owes ", "500 "]
        assert book.calls[0]["tokens"] == (7, 3)

    async def test_a_placeholder_cut_in_two_is_shown_whole(self) -> None:
        line = Line(pieces=["Call <pho", "ne_", "1> now, 5 < 6", " <3"])
        async with scripted_llm(line) as model, chain(model) as (models, _):
            pieces = [piece async for piece in models.stream(prompt("9820012345"))]
        assert "".join(pieces) == "Call 9820012345 now, 5 < 6 <3"

    async def test_another_model_takes_over_before_the_first_piece(self) -> None:
        async with (
            scripted_llm(Line(status=503)) as first,
            scripted_llm(Line("second")) as second,
            chain(first, second) as (models, _),
        ):
            assert [piece async for piece in models.stream(prompt())] == ["second "]

    async def test_a_stream_that_breaks_off_is_said_so(self) -> None:
        book = Book()
        line = Line(pieces=["He ", "owes "], breaks_off=True)
        async with (
            scripted_llm(line) as first,
            scripted_llm(Line("second")) as second,
            chain(first, second, book=book) as (models, _),
        ):
            stream = models.stream(prompt())
            assert [await anext(stream), await anext(stream)] == ["He ", "owes "]
            with pytest.raises(Retryable):
                await anext(stream)
        assert [call["outcome"] for call in book.calls] == ["failed"]

    async def test_a_listener_that_goes_away_is_paid_for(self) -> None:
        book = Book()
        async with scripted_llm(Line("one two three")) as model, chain(model, book=book) as (models, _):
            stream = models.stream(prompt())
            assert await anext(stream) == "one "
            await stream.aclose()  # type: ignore[attr-defined]
        assert [call["outcome"] for call in book.calls] == ["failed"]

    async def test_the_deadline_is_for_the_end_of_it(self) -> None:
        async with scripted_llm(Line("late", seconds=5)) as model, chain(model) as (models, _):
            with pytest.raises(Retryable):
                [piece async for piece in models.stream(prompt(seconds=0.2))]


async def test_a_tenant_chooses_among_the_models_there_are() -> None:
    async with (
        scripted_llm(Line("first")) as first,
        scripted_llm(Line("second")) as second,
        chain(first, second) as (models, _),
    ):
        assert (await models.answer(prompt(terms=Terms(models=("m2", "m1"))))).text == "second"
        with pytest.raises(Permanent) as raised:
            await models.answer(prompt(terms=Terms(models=("gpt-9",))))
    assert raised.value.reason == "llm_unknown_model"


def test_settings_are_one_line_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "MUNSHI_LLM_MODELS",
        '[{"name": "small", "url": "http://vllm/v1", "model": "m", "prompt_price": "0.10"}]',
    )
    (model,) = LlmSettings().llm_models
    assert (model.name, model.prompt_price) == ("small", Decimal("0.10"))
