"""Files on their way out: uploaded once while Meta's id lives, spoken once for each text."""

import asyncio
from typing import Any

import aiohttp
import pytest

from media import files
from media.stage import Shop, Stage, original
from munshi.contracts.media import (
    MediaAnswer,
    MediaFailure,
    Refusal,
    Stored,
    UploadRequest,
    Verb,
    VoiceRequest,
)


async def kept(stage: Stage, shop: Shop) -> Stored:
    """A picture that came in."""
    return original(await stage.read(await shop.takes(files.picture(), "image/jpeg")))


def upload_of(shop: Shop, stored: Stored, **changes: Any) -> UploadRequest:
    values = {
        "tenant": shop.key,
        "phone_number_id": shop.number,
        "object_key": stored.key,
        "mime_type": stored.mime_type,
        **changes,
    }
    return UploadRequest(**values)


def voice_of(shop: Shop, text: str = "paanch sau rupaye likh diye", **changes: Any) -> VoiceRequest:
    values = {
        "tenant": shop.key,
        "phone_number_id": shop.number,
        "text": text,
        "language": "hi",
        **changes,
    }
    return VoiceRequest(**values)


async def sent(stage: Stage, verb: Verb, request: UploadRequest | VoiceRequest) -> MediaAnswer:
    answer, _ = await stage.ask(verb, request)
    assert isinstance(answer, MediaAnswer), answer
    return answer


async def at_meta(shop: Shop, media_id: str | None) -> tuple[str, bytes]:
    """What Meta has under an id: type and bytes."""
    headers = {"Authorization": f"Bearer {shop.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{shop.stage.emulator.url}/v25.0/{media_id}") as answer:
            place = await answer.json()
        async with http.get(place["url"]) as answer:
            return place["mime_type"], await answer.read()


async def test_a_stored_file_is_uploaded_once(stage: Stage) -> None:
    shop = await stage.shop()
    stored = await kept(stage, shop)
    before = await stage.metric('munshi_media_uploads_total{outcome="done"}')
    first = await sent(stage, Verb.UPLOAD, upload_of(shop, stored, filename="bill.jpg"))
    again = await sent(stage, Verb.UPLOAD, upload_of(shop, stored))
    assert first.media_id == again.media_id
    assert await stage.metric('munshi_media_uploads_total{outcome="done"}') == before + 1
    mime_type, data = await at_meta(shop, first.media_id)
    assert (mime_type, data) == ("image/jpeg", await shop.objects.get(stored.key))


async def test_a_large_file_is_uploaded_too(stage: Stage) -> None:
    shop = await stage.shop()
    data = files.pdf() + b"\n%" + bytes(3_000_000)
    kept_pdf = original(await stage.read(await shop.takes(data, "application/pdf", "document")))
    answer = await sent(stage, Verb.UPLOAD, upload_of(shop, kept_pdf, filename="bill.pdf"))
    assert await at_meta(shop, answer.media_id) == ("application/pdf", data)


async def test_a_text_is_spoken_and_uploaded_once(stage: Stage) -> None:
    shop = await stage.shop()
    first = await sent(stage, Verb.VOICE, voice_of(shop))
    again = await sent(stage, Verb.VOICE, voice_of(shop))
    assert first.media_id is not None
    assert first.media_id == again.media_id
    other = await sent(stage, Verb.VOICE, voice_of(shop, "something else"))
    assert other.media_id != first.media_id
    lines = (stage.engines / "calls").read_text().splitlines()
    assert lines.count("voices hi") >= 2
    mime_type, data = await at_meta(shop, first.media_id)
    assert mime_type == "audio/ogg"
    assert data[28:36] == b"OpusHead"
    # What the store tells by its names is not the text.
    for key in await shop.keys():
        if key.startswith("sent/"):
            assert b"rupaye" not in await shop.objects.get(key)


async def test_a_dead_id_is_uploaded_again_but_not_spoken_again(own_stage: Stage) -> None:
    await own_stage.open(MUNSHI_VOICE_IDS_DAYS="0.00001")
    shop = await own_stage.shop()
    first = await sent(own_stage, Verb.VOICE, voice_of(shop))
    await asyncio.sleep(1)  # the id's whole life
    second = await sent(own_stage, Verb.VOICE, voice_of(shop))
    assert second.media_id != first.media_id
    assert second.original == first.original
    assert own_stage.calls("voices") == 1


async def test_two_who_ask_at_once_upload_once(stage: Stage) -> None:
    shop = await stage.shop()
    done = 'munshi_media_uploads_total{outcome="done"}'
    before = await stage.metric(done)
    asks = (sent(stage, Verb.VOICE, voice_of(shop, "at once")) for _ in range(4))
    answers = await asyncio.gather(*asks)
    assert len({answer.media_id for answer in answers}) == 1
    assert await stage.metric(done) == before + 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "reset"}, "meta_away"),
        ({"kind": "error", "code": 131000}, "meta_away"),
        ({"kind": "error", "code": 190}, "credentials"),
    ],
    ids=["reset", "131000", "190"],
)
async def test_while_meta_is_away_an_upload_is_asked_for_again(
    stage: Stage, fault: dict[str, Any], reason: str
) -> None:
    shop = await stage.shop()
    await shop.fault(**{"endpoint": "media", **fault})
    answer, _ = await stage.ask(Verb.VOICE, voice_of(shop, "again"))
    assert isinstance(answer, MediaFailure)
    assert answer.reason == reason
    async with stage.emulator.client() as meta:
        await meta.clear_faults()
    assert (await sent(stage, Verb.VOICE, voice_of(shop, "again"))).media_id


async def test_a_refused_upload_is_refused(stage: Stage) -> None:
    shop = await stage.shop()
    stored = await kept(stage, shop)
    wrong = await sent(stage, Verb.UPLOAD, upload_of(shop, stored, mime_type="application/pdf"))
    assert wrong.refused is Refusal.WRONG_TYPE
    unknown = await sent(stage, Verb.UPLOAD, upload_of(shop, stored, mime_type="image/tiff"))
    assert unknown.refused is Refusal.WRONG_TYPE
    gone = await sent(stage, Verb.UPLOAD, upload_of(shop, stored, object_key=f"ff/{'0' * 64}"))
    assert gone.refused is Refusal.GONE


async def test_nobody_uploads_what_is_anothers(stage: Stage) -> None:
    owner, thief = await stage.shop(), await stage.shop()
    stored = await kept(stage, owner)
    answer = await sent(stage, Verb.UPLOAD, upload_of(thief, stored))
    assert answer.refused is Refusal.GONE
    out, _ = await stage.ask(Verb.UPLOAD, upload_of(thief, stored, object_key=f"../{owner.key}/{stored.key}"))
    assert isinstance(out, MediaFailure)
    assert out.reason == "bad_request"
