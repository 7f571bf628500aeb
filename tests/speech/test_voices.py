"""What is said, and how it sounds: figures in words, one voice a language, Ogg/Opus as WhatsApp plays it."""

import io
import shutil

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from munshi.errors import Permanent, Retryable
from munshi.inference import EngineMissing, InferenceSettings, load_engine
from munshi_inference.voices.espeak import EspeakSpeaker
from munshi_inference.voices.spoken import VOICES, spoken, voice_of
from rig.openai_service import openai_service

_VOICES = "munshi.readers.voices"
needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (make system-packages)"
)


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "✅ Om — ₹1,500.50 *credit*.", "Om one thousand five hundred rupees fifty paise credit."),
        ("en", "₹0.75", "seventy five paise"),
        ("en", "Total: Rs. 1,25,000/-", "Total: one lakh twenty five thousand rupees"),
        ("en", "रमेश owes ₹20", "ramesh owes twenty rupees"),
        ("hi", "लिख लिया ✅ रमेश — ₹500 उधार", "लिख लिया रमेश पाँच सौ रुपये उधार"),
        ("hi-Latn", "Ab Ramesh ka baaki: ₹1,25,000.", "अब रमेश का बाकी: एक लाख पच्चीस हज़ार रुपये."),
        ("ta", "₹5", "ஐந்து ரூபாய்"),
        ("si", "රු. 1,500", "1500 රුපියල්"),
        ("en", "Invoice 0042, 2.5 kg", "Invoice zero zero four two, two point five kg"),
        ("en", "See https://example.com/a?b=1 now", "See now"),
        ("en", "First line\n\n✅\nsecond line", "First line\nsecond line"),
        ("en", "✅ 🙏", ""),
    ],
)  # fmt: skip
def test_is_said_as_a_person_would_say_it(language: str, text: str, said: str) -> None:
    assert spoken(text, voice_of(language)) == said


@given(text=st.text(max_size=200), language=st.sampled_from(sorted(VOICES)))
def test_any_text_can_be_said_and_holds_no_emoji(text: str, language: str) -> None:
    said = spoken(text, voice_of(language))
    assert "✅" not in said
    assert said == said.strip()


def test_an_unknown_language_is_spoken_in_english() -> None:
    assert voice_of("fr-CA") is VOICES["en"]
    assert voice_of("hi-IN") is VOICES["hi"]


@needs_espeak
@pytest.mark.parametrize("language", ["en", "hi", "hi-Latn", "si", "ta"])
async def test_a_voice_note_is_what_whatsapp_plays(language: str) -> None:
    voice = load_engine(_VOICES, InferenceSettings())
    note = await voice.speak("Ramesh ka baaki ₹1,25,000 hai", language)
    assert note[:4] == b"OggS"
    assert b"OpusHead" in note[:64]
    assert len(note) < 512 * 1024
    samples, rate = soundfile.read(io.BytesIO(note))
    assert samples.ndim == 1
    assert 1.5 < len(samples) / rate < 15
    assert 0.05 < abs(samples).max() <= 1


@needs_espeak
async def test_nothing_to_say_is_said_so() -> None:
    with pytest.raises(Permanent) as raised:
        await EspeakSpeaker().speak("✅", "en")
    assert raised.value.reason == "nothing_to_say"


def test_without_a_voice_the_step_that_adds_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineMissing) as raised:
        load_engine(_VOICES, InferenceSettings())
    assert "make system-packages" in raised.value.info.add


async def test_a_speech_service_is_asked_for_opus() -> None:
    bodies: list[dict[str, str]] = []

    async def answer(request: Request) -> Response:
        bodies.append(await request.json())
        return Response(b"OggS-a-note", media_type="audio/ogg")

    async with openai_service("/audio/speech", answer) as service:
        voice = load_engine(_VOICES, InferenceSettings(tts_url=service.url, tts_voice="nova"))
        assert voice.info().where == "url"
        assert await voice.speak("Namaste", "hi") == b"OggS-a-note"
        await voice.close()
    assert bodies == [{"model": "tts-1", "voice": "nova", "input": "Namaste", "response_format": "opus"}]


@pytest.mark.parametrize(("status", "error"), [(429, Retryable), (503, Retryable), (400, Permanent)])
async def test_what_a_speech_service_refuses_is_told_apart(status: int, error: type[Exception]) -> None:
    async def answer(_: Request) -> Response:
        return JSONResponse({"error": {"message": "no"}}, status)

    async with openai_service("/audio/speech", answer) as service:
        voice = load_engine(_VOICES, InferenceSettings(tts_url=service.url))
        with pytest.raises(error):
            await voice.speak("Namaste", "hi")
        await voice.close()


async def test_a_speech_service_that_is_away_is_tried_again_later() -> None:
    async with openai_service("/audio/speech", lambda _: None) as service:  # type: ignore[arg-type,return-value]
        voice = load_engine(_VOICES, InferenceSettings(tts_url=service.url))
    with pytest.raises(Retryable):
        await voice.speak("Namaste", "hi")
    await voice.close()
