"""The word error rate, on a set whose answers are recorded."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from munshi_inference.speech.evaluate import Heard, main, plain, rates
from munshi_inference.speech.recorded import digest_of


def _sound(path: Path, tone: float) -> bytes:
    time = np.arange(16_000) / 16_000
    soundfile.write(
        path, (0.3 * np.sin(2 * np.pi * tone * time)).astype(np.float32), 16_000, subtype="PCM_16"
    )
    return path.read_bytes()


def _heard(said: str, heard: str) -> Heard:
    return Heard("hi", said, heard, 0.9, 1.0, 0.1)


def test_marks_case_and_joiners_are_no_errors() -> None:
    assert plain("Ramesh, ko 500!") == plain("ramesh ko 500")
    assert rates([_heard("रमेश को 500।", "रमेश को 500")]) == (0.0, 0.0)


def test_a_wrong_word_of_four_is_a_quarter() -> None:
    words, characters = rates([_heard("ramesh ko paanch sau", "ramesh ko saat sau")])
    assert words == 0.25
    assert 0 < characters < 0.25


def test_a_set_is_scored_by_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {}
    for name, tone, said, heard in (
        ("hi-1", 200.0, "ramesh ko paanch sau", "ramesh ko saat sau"),
        ("en-1", 300.0, "sold rice for fifty", "Sold rice for fifty."),
    ):
        answers[digest_of(_sound(tmp_path / f"{name}.wav", tone))] = {"text": heard, "confidence": 0.9}
        (tmp_path / f"{name}.txt").write_text(said)
    _sound(tmp_path / "no-text.wav", 400.0)
    recorded = tmp_path / "answers.json"
    recorded.write_text(json.dumps(answers))
    monkeypatch.setenv("MUNSHI_SPEECH_MODEL", str(recorded))
    assert main([str(tmp_path)]) == 0
    rows = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if "%" in line]
    found = {cells[0].strip(): [cell.strip() for cell in cells[1:4]] for cells in rows}
    assert found["hi"][:2] == ["1", "25.0%"]
    assert found["en"] == ["1", "0.0%", "0.0%"]
    assert found["all"][:2] == ["2", "12.5%"]


def test_without_weights_the_step_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MUNSHI_SPEECH_MODEL", raising=False)
    assert main([str(tmp_path)]) == 1
    assert "MUNSHI_SPEECH_MODEL" in capsys.readouterr().err
