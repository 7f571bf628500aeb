"""Sounds as engines take them: WAV, 16 kHz, mono, 16 bits; streamed, so that memory stays flat.

libsndfile opens ogg/opus, mp3, wav and flac. For AAC, AMR and MP4 the system's `ffmpeg` is run, where it is
installed: the libraries that could do it in process come with GPL codecs.
"""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import samplerate
import soundfile

from munshi.contracts.media import Refusal
from munshi.files.kinds import FileRefused

RATE = 16_000
"""Samples a second."""
_BLOCK = 1 << 16
"""Frames that are worked on at once."""
_BY_FFMPEG = frozenset({"audio/aac", "audio/amr", "audio/mp4", "audio/3gpp", "video/mp4", "video/3gpp"})
_FFMPEG_SECONDS = 45.0
"""Decodes an hour in a few."""
_MOST_CHANNELS = 8
_MOST_RATE = 192_000

MISSING = "this sound needs ffmpeg: install it (apt-get install ffmpeg) on the machine of the media service"


def speech_wav(source: bytes | Path, mime_type: str, target: Path, max_seconds: float) -> float:
    """Writes `target`; gives back the sound's length in seconds.

    Args:
        source: the file's bytes, or where it lies.
        mime_type: as its content shows.
        target: the WAV, written over.
        max_seconds: the longest sound that is taken.

    Raises:
        FileRefused: `too_long`, `malformed` (no sound in it), or `no_engine` where ffmpeg is missing.
    """
    if mime_type in _BY_FFMPEG:
        return _by_ffmpeg(source, target, max_seconds)
    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source) as sound:
            return _converted(sound, target, max_seconds)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise FileRefused(Refusal.MALFORMED, f"no sound that can be opened: {type(error).__name__}") from None


def _converted(sound: soundfile.SoundFile, target: Path, max_seconds: float) -> float:
    rate: int = sound.samplerate
    if not (0 < sound.channels <= _MOST_CHANNELS and 0 < rate <= _MOST_RATE):
        raise FileRefused(Refusal.MALFORMED, f"{sound.channels} channels at {rate} Hz")
    resampler = None if rate == RATE else samplerate.Resampler("sinc_medium", channels=1)
    frames = 0
    with soundfile.SoundFile(target, "w", RATE, 1, "PCM_16", format="WAV") as out:
        for block in sound.blocks(_BLOCK, dtype="float32", always_2d=True):
            frames += len(block)
            # Counted, not believed: a header may say anything.
            if frames > max_seconds * rate:
                raise FileRefused(Refusal.TOO_LONG, f"more than {max_seconds:.0f} s")
            mono = np.ascontiguousarray(block.mean(axis=1))
            out.write(resampler.process(mono, RATE / rate) if resampler else mono)
        if resampler is not None:
            rest = resampler.process(np.zeros(0, np.float32), RATE / rate, end_of_input=True)
            out.write(rest)
    if frames == 0:
        raise FileRefused(Refusal.MALFORMED, "a sound of no length")
    return frames / rate


def _by_ffmpeg(source: bytes | Path, target: Path, max_seconds: float) -> float:
    program = shutil.which("ffmpeg")
    if program is None:
        raise FileRefused(Refusal.NO_ENGINE, MISSING)
    if isinstance(source, bytes):
        # A container may have its index at the end, which a pipe does not give.
        named = target.with_suffix(".source")
        named.write_bytes(source)
    else:
        named = source
    command = [program, "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-i", f"file:{named}"]
    # A second more than allowed shows that it is longer.
    command += ["-vn", "-ac", "1", "-ar", str(RATE), "-t", str(max_seconds + 1), "-c:a", "pcm_s16le"]
    try:
        done = subprocess.run(  # noqa: S603 (a program of the system, arguments of our own)
            [*command, "-f", "wav", "-y", f"file:{target}"],
            capture_output=True,
            timeout=_FFMPEG_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FileRefused(Refusal.MALFORMED, "ffmpeg does not come to an end with it") from None
    finally:
        if isinstance(source, bytes):
            named.unlink(missing_ok=True)
    if done.returncode != 0 or not target.exists():
        raise FileRefused(Refusal.MALFORMED, "no sound that ffmpeg can open")
    seconds = float(soundfile.info(target).duration)
    if seconds > max_seconds:
        raise FileRefused(Refusal.TOO_LONG, f"more than {max_seconds:.0f} s")
    if seconds == 0:
        raise FileRefused(Refusal.MALFORMED, "a sound of no length")
    return seconds
