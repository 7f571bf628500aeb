"""Speech to text: a real Whisper of random weights for the plumbing, recorded answers for conversations, and
services by URL; which of them a service gets, and what is told where there is none."""

import asyncio
import contextlib
import importlib.util
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from munshi.contracts.media import FileRef, ReadHints, Transcriber
from munshi.errors import Permanent, Retryable, UserMistake
from munshi.inference import EngineMissing, InferenceSettings, load_engine
from munshi_inference.speech.confidence import Stretch, confidence_of, heard
from munshi_inference.speech.faster import likeliest
from munshi_inference.speech.recorded import digest_of
from rig.openai_service import Answer, openai_service

_SPEECH = "munshi.readers.speech"
_HINTS = ReadHints(languages=("hi", "hi-Latn"), seconds=60)
needs_whisper = pytest.mark.skipif(
    importlib.util.find_spec("faster_whisper") is None,
    reason="faster-whisper is not installed (make engines)",
)


def _wav(seconds: float = 2.0, rate: int = 16_000) -> bytes:
    """Something that a voice detector takes for a voice: a buzz that swells, with harmonics."""
    time = np.arange(int(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    swell = 0.2 + 0.2 * np.sin(2 * np.pi * 3 * time)
    out = io.BytesIO()
    soundfile.write(out, (buzz * swell).astype(np.float32), rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def _file(data: bytes) -> FileRef:
    return FileRef("audio/wav", data=data)


@contextlib.asynccontextmanager
async def _engine(settings: InferenceSettings) -> AsyncIterator[Transcriber]:
    engine: Transcriber = load_engine(_SPEECH, settings)
    try:
        yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def _asked(answer: Answer) -> AsyncIterator[Transcriber]:
    async with (
        openai_service("/audio/transcriptions", answer) as service,
        _engine(InferenceSettings(speech_url=service.url)) as engine,
    ):
        yield engine


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from rig.tiny_whisper import make_tiny_whisper

    return make_tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@needs_whisper
class TestWhisper:
    """In a process of its own."""

    async def test_hears_a_note_with_times_and_a_low_confidence(self, weights: Path) -> None:
        async with _engine(InferenceSettings(speech_model=weights)) as engine:
            heard = await engine.transcribe(_file(_wav()), _HINTS)
        assert engine.info().model == "tiny"
        assert heard.engine == "faster-whisper"
        assert heard.seconds == 2.0
        assert heard.confidence < 0.2, "random weights are sure of nothing"
        assert all(0 <= part.start <= part.end <= heard.seconds for part in heard.segments)

    async def test_silence_is_nothing(self, weights: Path) -> None:
        out = io.BytesIO()
        soundfile.write(out, np.zeros(32_000, np.float32), 16_000, format="WAV")
        async with _engine(InferenceSettings(speech_model=weights)) as engine:
            heard = await engine.transcribe(_file(out.getvalue()), _HINTS)
        assert (heard.text, heard.confidence, heard.seconds) == ("", 0.0, 2.0)

    async def test_a_long_note_is_cut(self, weights: Path) -> None:
        settings = InferenceSettings(speech_model=weights, speech_longest_seconds=1.0)
        async with _engine(settings) as engine:
            heard = await engine.transcribe(_file(_wav(3.0)), _HINTS)
        assert heard.seconds == 1.0

    async def test_what_is_no_sound_fails_for_good_and_the_next_note_is_heard(self, weights: Path) -> None:
        async with _engine(InferenceSettings(speech_model=weights)) as engine:
            for data in (b"RIFF no sound", _wav(rate=8000)):
                with pytest.raises(Permanent) as raised:
                    await engine.transcribe(_file(data), _HINTS)
                assert raised.value.reason == "malformed"
            assert (await engine.transcribe(_file(_wav()), _HINTS)).seconds == 2.0

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
    async def test_a_process_that_dies_or_hangs_is_replaced(self, weights: Path, how: signal.Signals) -> None:
        before = set(psutil.Process().children())
        async with _engine(InferenceSettings(speech_model=weights)) as engine:
            await engine.transcribe(_file(_wav()), _HINTS)
            (worker,) = (
                p for p in set(psutil.Process().children()) - before if "spawn_main" in " ".join(p.cmdline())
            )
            os.kill(worker.pid, how)
            # A frozen one is found out at the deadline, a dead one at the next call or within it.
            with contextlib.suppress(Retryable):
                await engine.transcribe(_file(_wav()), ReadHints(languages=("hi",), seconds=2.0))
            assert (await engine.transcribe(_file(_wav()), _HINTS)).seconds == 2.0
            assert not worker.is_running()

    async def test_a_caller_that_goes_away_spoils_nothing(self, weights: Path) -> None:
        async with _engine(InferenceSettings(speech_model=weights)) as engine:
            call = asyncio.create_task(engine.transcribe(_file(_wav()), _HINTS))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await engine.transcribe(_file(_wav()), _HINTS)).seconds == 2.0


async def test_recorded_answers_are_given_by_the_sound(tmp_path: Path) -> None:
    known, unknown = _wav(1.0), _wav(1.5)
    answers = tmp_path / "answers.json"
    said = {"text": "ramesh ko 500 udhaar diya", "language": "hi", "confidence": 0.93, "seconds": 1.0}
    answers.write_text(json.dumps({digest_of(known): said}))
    engine: Transcriber = load_engine(_SPEECH, InferenceSettings(speech_model=answers))
    assert (await engine.transcribe(_file(known), _HINTS)).text == "ramesh ko 500 udhaar diya"
    nothing = await engine.transcribe(_file(unknown), _HINTS)
    assert (nothing.text, nothing.confidence) == ("", 0.0)


def test_unusable_recorded_answers_are_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    for write in (lambda: None, lambda: path.write_text("{")):
        write()
        with pytest.raises(UserMistake, match="MUNSHI_SPEECH_MODEL"):
            load_engine(_SPEECH, InferenceSettings(speech_model=path))


@pytest.mark.parametrize("model", [None, Path("/nowhere/tiny"), Path("/nowhere/tiny.pt")])
def test_without_weights_the_step_that_adds_them_is_named(model: Path | None) -> None:
    with pytest.raises(EngineMissing) as raised:
        load_engine(_SPEECH, InferenceSettings(speech_model=model))
    assert "MUNSHI_SPEECH_MODEL" in raised.value.info.add
    assert not raised.value.info.ready


def test_a_file_may_be_a_path_or_a_url(tmp_path: Path) -> None:
    gone = FileRef("audio/wav", path=tmp_path / "gone.wav")
    answers = tmp_path / "answers.json"
    answers.write_text("{}")
    engine = load_engine(_SPEECH, InferenceSettings(speech_model=answers))
    with pytest.raises(Permanent) as raised:
        asyncio.run(engine.transcribe(gone, _HINTS))
    assert raised.value.reason == "gone"


class TestService:
    """By URL."""

    async def test_segments_and_confidence_come_through(self) -> None:
        forms: list[dict[str, str]] = []

        async def answer(request: Request) -> Response:
            async with request.form() as form:
                forms.append({name: value for name, value in form.items() if isinstance(value, str)})
            segment = {
                "id": 0, "seek": 0, "start": 0.0, "end": 1.9, "text": " paanch sau udhaar", "tokens": [],
                "temperature": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.1, "no_speech_prob": 0.01,
            }  # fmt: skip
            return JSONResponse(
                {"text": "paanch sau udhaar", "language": "hi", "duration": 2.0, "segments": [segment]}
            )

        async with _asked(answer) as engine:
            heard = await engine.transcribe(_file(_wav()), _HINTS)
        assert heard.text == "paanch sau udhaar"
        assert 0.85 < heard.confidence < 0.95
        assert [(part.start, part.end) for part in heard.segments] == [(0.0, 1.9)]
        assert forms == [{"model": "whisper-1", "response_format": "verbose_json", "language": "hi"}]

    async def test_without_segments_it_is_asked_about(self) -> None:
        async def answer(_: Request) -> Response:
            return JSONResponse({"text": "paanch sau", "language": "hi", "duration": 2.0})

        async with _asked(answer) as engine:
            heard = await engine.transcribe(_file(_wav()), _HINTS)
        assert heard.text == "paanch sau"
        assert heard.confidence < 0.7

    @pytest.mark.parametrize(
        ("status", "error"), [(401, Retryable), (429, Retryable), (503, Retryable), (400, Permanent)]
    )
    async def test_refusals_are_told_apart(self, status: int, error: type[Exception]) -> None:
        async def answer(_: Request) -> Response:
            return JSONResponse({"error": {"message": "no"}}, status)

        async with _asked(answer) as engine:
            with pytest.raises(error):
                await engine.transcribe(_file(_wav()), _HINTS)

    async def test_a_slow_service_ends_at_the_deadline(self) -> None:
        done = asyncio.Event()

        async def answer(_: Request) -> Response:
            await done.wait()
            return JSONResponse({})

        async with _asked(answer) as engine:
            with pytest.raises(Retryable):
                await engine.transcribe(_file(_wav()), ReadHints(seconds=0.2))
            done.set()


def _stretch(log: float = -0.1, silence: float = 0.0, compression: float = 1.2, text: str = "x") -> Stretch:
    return Stretch(0.0, 2.0, text, log, silence, compression)


def test_confidence_falls_with_what_the_model_doubts() -> None:
    sure = confidence_of([_stretch()])
    assert sure > 0.85
    assert confidence_of([_stretch(log=-1.0)]) < 0.5
    assert confidence_of([_stretch(compression=3.0)]) < sure
    assert confidence_of([_stretch()], language_probability=0.3) < sure
    assert confidence_of([]) == 0.0


def test_a_note_is_in_one_of_the_tenants_languages() -> None:
    heard_as = {"ur": 0.5, "hi": 0.3, "en": 0.1, "si": 0.1}
    language, share = likeliest(heard_as, ("en", "hi"))
    assert language == "hi"
    assert share == pytest.approx(0.75)
    assert likeliest(heard_as, ("si",)) == ("si", 1.0)
    assert likeliest(heard_as, ("xx", "yy")) == (None, 1.0)


def test_silence_that_was_written_down_is_not_heard() -> None:
    assert heard(_stretch())
    assert not heard(_stretch(log=-1.5, silence=0.9))
    assert not heard(_stretch(text="  "))
