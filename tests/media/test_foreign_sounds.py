"""AAC, AMR and MP4, by the real ffmpeg where it is installed (`make system-packages`)."""

import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile

from media import files
from munshi.contracts.media import Refusal
from munshi.files.kinds import FileRefused, sniff
from munshi.files.sounds import speech_wav

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg is not installed (make system-packages)"
)


def encoded(folder: Path, name: str, *arguments: str, seconds: float = 2.0) -> bytes:
    """A tone in another codec."""
    source = folder / "source.wav"
    source.write_bytes(files.sound(seconds, 16_000, form="WAV", subtype="PCM_16"))
    target = folder / name
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, *arguments, target], check=True)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("name", "arguments", "mime_type"),
    [
        ("a.aac", ("-c:a", "aac"), "audio/aac"),
        ("a.m4a", ("-c:a", "aac"), "audio/mp4"),
    ],
)
def test_they_become_16_khz_mono(
    tmp_path: Path, name: str, arguments: tuple[str, ...], mime_type: str
) -> None:
    data = encoded(tmp_path, name, *arguments)
    assert sniff(data[:64]) == mime_type
    seconds = speech_wav(data, mime_type, tmp_path / "out.wav", 10)
    assert seconds == pytest.approx(2.0, abs=0.2)
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    with pytest.raises(FileRefused) as long:
        speech_wav(data, mime_type, tmp_path / "out.wav", 1)
    assert long.value.refusal is Refusal.TOO_LONG


def test_rubbish_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        speech_wav(b"\0\0\0\x20ftypM4A " + bytes(500), "audio/mp4", tmp_path / "out.wav", 10)
    assert refused.value.refusal is Refusal.MALFORMED
