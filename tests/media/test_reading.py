"""Files go in, what they say comes out: through the service's process, the bus and the stand-in for Meta."""

import asyncio
import hashlib
import io
import time
from typing import Any

import pytest
import soundfile
from PIL import Image

from media import files
from media.stage import Stage, heard, original
from munshi.contracts.media import MediaAnswer, MediaProgress, Refusal, Verb
from munshi.contracts.media import Stage as Step


async def test_a_photograph_is_kept_turned_upright_freed_of_its_place_and_read(stage: Stage) -> None:
    shop = await stage.shop(ledger={"currency": "LKR"})
    photo = files.photograph(400, 300)
    answer = await stage.read(await shop.takes(photo, "image/jpeg"))
    kept = original(answer)
    assert kept.sha256 == hashlib.sha256(photo).hexdigest()
    assert (kept.key, kept.size) == (f"{kept.sha256[:2]}/{kept.sha256}", len(photo))
    assert await shop.objects.get(kept.key) == photo
    assert answer.normalised is not None
    clean = await shop.objects.get(answer.normalised.key)
    with Image.open(io.BytesIO(clean)) as upright:
        assert upright.size == (300, 400)
        red = upright.convert("RGB").getpixel((290, 10))
        assert isinstance(red, tuple)
        assert red[0] > 200
        assert red[1] < 60
        assert not upright.getexif()
    assert b"A Phone" not in clean
    assert answer.document is not None
    assert answer.document.text.startswith("300x400 0 LKR hi,en ")


async def test_a_large_photograph_is_made_small(stage: Stage) -> None:
    shop = await stage.shop()
    answer = await stage.read(await shop.takes(files.picture(4000, 3000), "image/jpeg"))
    assert answer.document is not None
    assert answer.document.text.startswith("2600x1950 ")


@pytest.mark.parametrize(
    ("form", "subtype", "rate", "channels", "mime_type"),
    [
        ("OGG", "OPUS", 48_000, 1, "audio/ogg; codecs=opus"),
        ("OGG", "VORBIS", 44_100, 2, "audio/ogg"),
        ("MP3", None, 44_100, 2, "audio/mpeg"),
        ("WAV", "PCM_16", 8_000, 1, "audio/wav"),
        ("FLAC", "PCM_16", 16_000, 1, "audio/flac"),
    ],
)
async def test_a_sound_is_heard_at_16_khz_mono(
    stage: Stage, form: str, subtype: str | None, rate: int, channels: int, mime_type: str
) -> None:
    shop = await stage.shop()
    data = files.sound(1.5, rate, form=form, subtype=subtype, channels=channels)
    answer = await stage.read(await shop.takes(data, mime_type, "audio", voice=True))
    assert answer.transcript is not None, answer
    assert answer.transcript.text == "16000 1 PCM_16"
    assert answer.transcript.seconds == pytest.approx(1.5, abs=0.1)
    assert answer.normalised is not None
    wav = await shop.objects.get(answer.normalised.key)
    samples, _ = soundfile.read(io.BytesIO(wav))
    crossings = ((samples[:-1] < 0) & (samples[1:] >= 0)).sum()
    assert crossings / (len(samples) / 16_000) == pytest.approx(440, rel=0.05)


async def test_a_long_sound_goes_to_the_engine_as_a_file(stage: Stage) -> None:
    shop = await stage.shop()
    data = files.sound(60, 16_000, form="OGG", subtype="OPUS")
    answer = await stage.read(await shop.takes(data, "audio/ogg", "audio"))
    assert answer.transcript is not None, answer
    assert answer.transcript.seconds == pytest.approx(60, abs=0.2)
    assert answer.normalised is not None
    assert answer.normalised.size > 1024 * 1024


async def test_a_pdf_is_given_as_it_is(stage: Stage) -> None:
    shop = await stage.shop()
    answer = await stage.read(await shop.takes(files.pdf(3), "application/pdf", "document"))
    assert answer.document is not None
    assert answer.document.text.startswith("pdf ")
    assert answer.normalised is None


@pytest.mark.parametrize(
    ("data", "mime_type", "media_type", "found"),
    [
        (files.picture(64, 64, form="WEBP"), "image/webp", "sticker", "image/webp"),
        (b"\0\0\0\x20ftypmp42" + bytes(200), "video/mp4", "video", "video/mp4"),
        (
            files.office("xl"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        ("naam, राशि\nरमेश, 500\n".encode(), "text/csv", "document", "text/csv"),
    ],
)
async def test_what_nobody_reads_is_only_kept(
    stage: Stage, data: bytes, mime_type: str, media_type: str, found: str
) -> None:
    shop = await stage.shop()
    answer = await stage.read(await shop.takes(data, mime_type, media_type))
    assert (answer.refused, answer.document, answer.transcript) == (None, None, None)
    assert original(answer).mime_type == found
    assert await shop.objects.get(original(answer).key) == data


async def test_content_decides_not_what_is_declared(stage: Stage) -> None:
    shop = await stage.shop()
    answer = await stage.read(await shop.takes(files.picture(form="PNG"), "image/jpeg"))
    assert original(answer).mime_type == "image/png"
    sent_as_file = await stage.read(await shop.takes(files.picture(), "application/pdf", "document"))
    assert original(sent_as_file).mime_type == "image/jpeg"
    assert sent_as_file.document is not None


@pytest.mark.parametrize(
    ("data", "mime_type", "media_type", "refused"),
    [
        (files.sound(0.2), "image/jpeg", "image", Refusal.WRONG_TYPE),
        (b"MZ" + bytes(300), "application/pdf", "document", Refusal.WRONG_TYPE),
        (b"\x7fELF" + bytes(300), "text/plain", "document", Refusal.WRONG_TYPE),
        (files.archive(), "application/zip", "document", Refusal.WRONG_TYPE),
        (bytes(range(256)) * 4, "text/plain", "document", Refusal.WRONG_TYPE),
        (files.huge_png(), "image/png", "image", Refusal.TOO_MANY_PIXELS),
        (files.picture()[:200], "image/jpeg", "image", Refusal.MALFORMED),
        (b"OggS" + bytes(300), "audio/ogg", "audio", Refusal.MALFORMED),
        (b"%PDF-1.4\nrubbish", "application/pdf", "document", Refusal.MALFORMED),
        (files.locked_pdf(), "application/pdf", "document", Refusal.LOCKED),
        (files.pdf(21), "application/pdf", "document", Refusal.TOO_MANY_PAGES),
        (files.sound(601, 8_000), "audio/ogg", "audio", Refusal.TOO_LONG),
        (
            files.office("xl", unpacked=50_000_000),
            "application/octet-stream",
            "document",
            Refusal.ARCHIVE_BOMB,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_must_not_be_read_is_refused(
    stage: Stage, data: bytes, mime_type: str, media_type: str, refused: Refusal
) -> None:
    shop = await stage.shop()
    request = await shop.takes(data, mime_type, media_type)
    answer = await stage.read(request)
    assert answer.refused is refused, answer
    assert (answer.document, answer.transcript) == (None, None)
    assert stage.calls("documents", shop.key) + stage.calls("speech", shop.key) == 0
    before = await stage.fetches()
    assert await stage.read(request) == answer
    assert await stage.fetches() == before


async def test_the_tenants_limit_holds_beside_metas(stage: Stage) -> None:
    small = await stage.shop(limits={"mediaMegabytes": 1})
    noise = files.pdf() + b"\n%" + bytes(1_100_000)
    assert (
        await stage.read(await small.takes(noise, "application/pdf", "document"))
    ).refused is Refusal.TOO_LARGE
    usual = await stage.shop()
    assert (await stage.read(await usual.takes(noise, "application/pdf", "document"))).refused is None
    picture = files.picture(form="BMP", width=2000, height=1000)
    assert len(picture) > 5 * 1024 * 1024
    assert (await stage.read(await usual.takes(picture, "image/png"))).refused is Refusal.TOO_LARGE


async def test_asked_again_nothing_is_fetched_or_read_again(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    first = await stage.read(request)
    fetched, calls = await stage.fetches(), stage.calls("documents", shop.key)
    assert await stage.read(request) == first
    assert (await stage.fetches(), stage.calls("documents", shop.key)) == (fetched, calls)


async def test_the_same_bytes_in_another_message_are_not_fetched_again(stage: Stage) -> None:
    shop = await stage.shop()
    data = files.picture(text="sent on by two people")
    first = await stage.read(await shop.takes(data, "image/jpeg"))
    fetched = await stage.fetches()
    second = await stage.read(await shop.takes(data, "image/jpeg"))
    assert second.original == first.original
    assert await stage.fetches() == fetched


async def test_two_who_ask_at_once_share_the_work(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    stage.script(documents="waits")
    try:
        async with stage.bus() as connection:
            asks = [asyncio.create_task(heard(connection, Verb.READ, request, 60)) for _ in range(3)]
            await stage.until(lambda: stage.calls("documents", shop.key) == 1)
            stage.script(documents="well")
            answers = [(await ask)[0] for ask in asks]
    finally:
        stage.script(documents="well")
    assert answers[0] == answers[1] == answers[2]
    assert isinstance(answers[0], MediaAnswer)
    assert stage.calls("documents", shop.key) == 1


async def test_there_is_a_sign_of_life_every_second(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    stage.script(documents="waits")
    progress: list[MediaProgress] = []
    began = time.monotonic()
    try:
        async with stage.bus() as connection:
            ask = asyncio.create_task(heard(connection, Verb.READ, request, 30, progress))
            await stage.until(lambda: len(progress) >= 4, "signs of life")
            took = time.monotonic() - began
            # How long it will take is known only when the engine has it.
            await stage.until(lambda: progress[-1].expected_seconds is not None, "how long it will take")
            sign = progress[-1]
            stage.script(documents="well")
            await ask
    finally:
        stage.script(documents="well")
    assert took > 2.9, "it talks more often than every second"
    assert sign.stage is Step.READING


async def test_a_flood_of_one_tenant_does_not_starve_another(stage: Stage) -> None:
    loud, quiet = await stage.shop(), await stage.shop()
    flood = [await loud.takes(files.picture(text=f"picture {number}"), "image/jpeg") for number in range(40)]
    # A PDF is read as it is: once its turn has come, it waits for no process that has yet to start.
    one = await quiet.takes(files.pdf(), "application/pdf", "document")
    stage.script(documents="waits")
    try:
        async with stage.bus() as connection:
            asks = [asyncio.create_task(heard(connection, Verb.READ, request, 60)) for request in flood]
            # All places are taken, the rest of the flood waits.
            await stage.until(lambda: stage.calls("documents", loud.key) == 4)
            signs: list[MediaProgress] = []
            last = asyncio.create_task(heard(connection, Verb.READ, one, 60, signs))
            await stage.until(lambda: signs and signs[-1].stage is Step.READING, "it queues up behind them")
            stage.script(documents="well")
            answer, _ = await last
            await asyncio.gather(*asks)
    finally:
        stage.script(documents="well")
    assert isinstance(answer, MediaAnswer)
    lines = (stage.engines / "calls").read_text().splitlines()
    mine, others = f"documents {quiet.key} application/pdf", f"documents {loud.key} image/jpeg"
    assert lines.count(others) == len(flood)
    assert lines[lines.index(mine) :].count(others) > 20, "it came before most of the flood"


async def test_a_flood_beyond_what_may_wait_turns_its_own_tenant_away_only(own_stage: Stage) -> None:
    await own_stage.open(MUNSHI_WAITING="8")
    loud, quiet = await own_stage.shop(), await own_stage.shop()
    flood = [await loud.takes(files.picture(text=f"{number}"), "image/jpeg") for number in range(3)]
    one = await quiet.takes(files.picture(), "image/jpeg")
    own_stage.script(documents="waits")
    async with own_stage.bus() as connection:
        asks = [asyncio.create_task(heard(connection, Verb.READ, request, 60)) for request in flood]
        done, _ = await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED)
        turned_away = [(await ask)[0] for ask in done]
        assert [answer.state for answer in turned_away] == ["failed"]
        own_stage.script(documents="well")
        answer, _ = await heard(connection, Verb.READ, one, 60)
        await asyncio.gather(*asks)
    assert isinstance(answer, MediaAnswer)
    assert answer.document is not None


async def test_an_unknown_tenant_is_asked_for_again(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    other: Any = request.model_copy(update={"tenant": "shops_nobody"})
    answer, _ = await stage.ask(Verb.READ, other)
    assert answer.state == "failed"
    assert answer.reason == "unknown_tenant"
