"""Whisper's weights out of a hub: fetched once and by name, from a small hub of the test's own."""

import hashlib
import http.server
import importlib.util
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

from munshi.contracts.media import FileRef, ReadHints, Transcriber
from munshi.inference import EngineMissing, InferenceSettings, load_engine

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("faster_whisper") is None,
    reason="faster-whisper is not installed (make engines)",
)
NAME = "someone/faster-whisper-tiny"
COMMIT = "5f3c2a" * 6 + "abcd"


@dataclass
class Hub:
    """A hub with one repository, as Hugging Face's clients ask it."""

    folder: Path
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def files(self) -> dict[str, Path]:
        return {path.name: path for path in sorted(self.folder.iterdir())}


def _answers(hub: Hub) -> type[http.server.BaseHTTPRequestHandler]:
    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(path)
            status, body, headers = self._found(path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def _found(self, path: str) -> tuple[int, bytes, dict[str, str]]:
            files = hub.files()
            if path == f"/api/models/{NAME}/revision/main":
                told = {"id": NAME, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
                return 200, json.dumps(told).encode(), {"Content-Type": "application/json"}
            if path == f"/api/models/{NAME}/tree/{COMMIT}":
                rows = [
                    {"type": "file", "path": name, "size": file.stat().st_size, "oid": "0" * 40}
                    for name, file in files.items()
                ]
                return 200, json.dumps(rows).encode(), {"Content-Type": "application/json"}
            place, _, name = path.rpartition("/")
            if place == f"/{NAME}/resolve/{COMMIT}" and name in files:
                body = files[name].read_bytes()
                tag = hashlib.sha256(body).hexdigest()
                return 200, body, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT}
            return 404, b"{}", {"X-Error-Code": "RepoNotFound", "Content-Type": "application/json"}

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Answers


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from rig.tiny_whisper import make_tiny_whisper

    made = Hub(make_tiny_whisper(tmp_path / "tiny"))
    (made.folder / "readme-of-200-pages.md").write_text("no part of the weights")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _answers(made)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made
        server.shutdown()


def settings(cache: Path, name: str = NAME) -> InferenceSettings:
    return InferenceSettings(speech_model=Path(f"hub:{name}"), speech_cache=cache)


def load(chosen: InferenceSettings) -> Transcriber:
    engine: Transcriber = load_engine("munshi.readers.speech", chosen)
    return engine


async def test_weights_are_fetched_once_and_hear(hub: Hub, tmp_path: Path) -> None:
    engine = load(settings(tmp_path / "cache"))
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(16_000, np.float32), 16_000, format="WAV")
    try:
        heard = await engine.transcribe(FileRef("audio/wav", data=silence.getvalue()), ReadHints(seconds=60))
    finally:
        await engine.close()
    assert heard.seconds == 1.0
    assert engine.info().model == f"hub:{NAME}"
    assert any(path.endswith("model.bin") for path in hub.asked)
    assert not any(path.endswith(".md") for path in hub.asked)
    assert not any("telemetry" in path for path in hub.asked)
    fetched = len(hub.asked)
    again = load(settings(tmp_path / "cache"))
    await again.close()
    assert len(hub.asked) == fetched, "what is here is not asked about again"


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", ["someone/else", "no-owner", "owner/name/more", "../up@x"])
def test_what_no_hub_has_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(EngineMissing) as missing:
        load(settings(tmp_path / "cache", name))
    assert "MUNSHI_SPEECH_MODEL" in missing.value.info.add
    assert name.partition("@")[0] in missing.value.info.add
    assert "does not answer" not in missing.value.info.add


def test_without_a_network_the_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(EngineMissing) as missing:
        load(settings(tmp_path / "cache"))
    assert "the hub does not answer" in missing.value.info.add
