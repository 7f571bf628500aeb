"""One real server for all tests that only ask it."""

import json
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from munshi.contracts.media import Transcript
from munshi_inference.speech.recorded import digest_of
from rig.triton import TritonServer


@pytest.fixture(scope="session")
def said() -> Transcript:
    """What the voice note says."""
    return Transcript(
        text="Ramesh ko 500 udhaar", language="hi", confidence=0.9, seconds=1.0, engine="recorded"
    )


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that client and server both read."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session")
def note(shared: Path) -> Path:
    """A voice note of a second."""
    path = shared / "note.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(struct.pack("<16000h", *((n % 200 - 100) * 50 for n in range(16_000))))
    return path


@pytest.fixture(scope="session")
def answers(shared: Path, note: Path, said: Transcript) -> Path:
    """What a transcriber without weights says of it."""
    path = shared / "answers.json"
    path.write_text(json.dumps({digest_of(note.read_bytes()): said.model_dump(mode="json")}))
    return path


@pytest.fixture(scope="session")
def server(shared: Path, answers: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """Triton with all models of the repository that have an engine here."""
    environment = {"MUNSHI_TRITON_FILES": str(shared), "MUNSHI_SPEECH_MODEL": str(answers)}
    models = "ledger_nlu,documents,speech,embeddings"
    running = TritonServer(tmp_path_factory.mktemp("triton"), models, environment=environment)
    try:
        yield running.start()
    finally:
        running.kill()
