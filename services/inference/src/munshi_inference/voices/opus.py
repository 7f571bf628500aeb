"""Sound as WhatsApp plays it as a voice note: Ogg/Opus, mono."""

import io

import numpy as np
import samplerate
import soundfile

RATE = 24_000
"""Samples a second: one of the five that Opus takes, and the next above what voices give (22,050)."""


def to_opus(wav: bytes) -> bytes:
    """A WAV file as Ogg/Opus.

    Raises:
        ValueError: it is no sound, or there is nothing in it.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"no sound: {error}") from error
    mono = samples.mean(axis=1)
    if not len(mono):
        raise ValueError("an empty sound")
    out = io.BytesIO()
    resampled = samplerate.resample(mono, RATE / rate, "sinc_medium")
    soundfile.write(out, np.clip(resampled, -1.0, 1.0), RATE, format="OGG", subtype="OPUS")
    return out.getvalue()
