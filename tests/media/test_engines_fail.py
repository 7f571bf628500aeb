"""Engines that are away, broken, slow or missing."""

import asyncio
import contextlib
import json

import aiohttp
import pytest

from media import files
from media.stage import Stage, make_engines
from munshi.contracts.media import MediaFailure, Refusal, Verb


async def test_an_engine_that_is_away_is_waited_for(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    stage.script(documents="away 6")
    try:
        answer, _ = await stage.ask(Verb.READ, request)
        assert isinstance(answer, MediaFailure)
        assert answer.reason == "engine_away"
        # Far more often than a file may fail by itself; and nothing is fetched again.
        fetched = await stage.fetches()
        assert (await stage.read_at_last(request)).document is not None
        assert await stage.fetches() == fetched
    finally:
        stage.script(documents="well")


async def test_an_engine_that_fails_now_and_then_is_tried_again(stage: Stage) -> None:
    shop = await stage.shop()
    stage.script(documents="breaks 2")
    try:
        answer = await stage.read(await shop.takes(files.picture(), "image/jpeg"))
    finally:
        stage.script(documents="well")
    assert answer.document is not None
    assert stage.calls("documents", shop.key) == 3


async def test_a_file_that_breaks_the_engine_each_time_is_kept_and_refused(stage: Stage) -> None:
    shop = await stage.shop()
    stage.script(documents="breaks")
    try:
        request = await shop.takes(files.picture(), "image/jpeg")
        answer = await stage.read(request)
    finally:
        stage.script(documents="well")
    assert answer.refused is Refusal.UNREADABLE
    assert answer.original is not None
    assert await stage.read(request) == answer
    assert stage.calls("documents", shop.key) == 3


async def test_an_engine_may_say_why(stage: Stage) -> None:
    shop = await stage.shop()
    for word, refusal in (("refuses", Refusal.UNREADABLE), ("too_long", Refusal.TOO_LONG)):
        stage.script(documents=word)
        try:
            answer = await stage.read(await shop.takes(files.picture(text=word), "image/jpeg"))
        finally:
            stage.script(documents="well")
        assert answer.refused is refusal


async def test_an_engine_that_hangs_is_left(own_stage: Stage) -> None:
    await own_stage.open(MUNSHI_READ_SECONDS="0.1", MUNSHI_READ_TRIES="1")
    shop = await own_stage.shop()
    own_stage.script(documents="hangs")
    answer = await own_stage.read(await shop.takes(files.picture(), "image/jpeg"))
    assert answer.refused is Refusal.UNREADABLE
    assert "TimeoutError" in answer.detail


async def test_a_file_that_kills_the_service_each_time_ends_as_unreadable(own_stage: Stage) -> None:
    await own_stage.open()
    shop = await own_stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    own_stage.script(documents="dies")
    service = own_stage.service
    assert service is not None
    for death in range(1, 4):
        while own_stage.calls("documents", shop.key) < death:
            with contextlib.suppress(TimeoutError):
                await own_stage.ask(Verb.READ, request, 4.0)
        await own_stage.until(lambda: service.process and service.process.poll() is not None, "it is dead")
        await asyncio.to_thread(service.restart)
        await own_stage.until(lambda: own_stage.serves(shop.key))
    answer = await own_stage.read_at_last(request)
    assert answer.refused is Refusal.UNREADABLE
    assert own_stage.calls("documents", shop.key) == 3
    assert await own_stage.fetches() == 0, "the bytes were kept by the first of the dead"


@pytest.mark.parametrize("word", ["well", "refuses"])
async def test_a_reader_is_made_ready_before_the_first_picture(own_stage: Stage, word: str) -> None:
    own_stage.script(documents=word)
    await own_stage.open(MUNSHI_WARM_READERS="true")
    await own_stage.until(lambda: own_stage.calls("documents", "made ready") == 1)
    own_stage.script(documents="well")
    shop = await own_stage.shop()
    answer = await own_stage.read(await shop.takes(files.picture(), "image/jpeg"))
    assert answer.document is not None


async def test_without_an_engine_the_file_is_kept_and_read_when_there_is_one(own_stage: Stage) -> None:
    bare = make_engines(own_stage.folder / "none")
    await own_stage.open(PYTHONPATH=str(bare))
    shop = await own_stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    answer = await own_stage.read(request)
    assert answer.refused is Refusal.NO_ENGINE
    assert "munshi-inference" in answer.detail
    assert answer.original is not None
    assert own_stage.service is not None
    async with aiohttp.ClientSession() as session, session.get(f"{own_stage.service.url}/engines") as told:
        engines = json.loads(await told.text())
    assert [engine["ready"] for engine in engines] == [False, False, False]
    assert all(engine["add"] for engine in engines)
    own_stage.service.stop()
    own_stage.start().wait_ready()
    again = await own_stage.read_at_last(request)
    assert (again.refused, again.original) == (None, answer.original)
    assert again.document is not None
    assert await own_stage.fetches() == 0
