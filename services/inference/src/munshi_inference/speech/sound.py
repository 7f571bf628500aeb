"""Sound as the engines take it: samples at 16 kHz, out of the WAV that the media service normalises to."""

import io

import numpy as np
import numpy.typing as npt
import soundfile

from munshi.errors import Permanent

RATE = 16_000
Samples = npt.NDArray[np.float32]


def samples_of(wav: bytes, longest_seconds: float) -> Samples:
    """Mono samples from -1 to 1, cut at `longest_seconds`.

    Raises:
        Permanent: it is no WAV of 16 kHz (`malformed`).
    """
    try:
        with soundfile.SoundFile(io.BytesIO(wav)) as sound:
            if sound.samplerate != RATE:
                raise Permanent(f"{sound.samplerate} Hz instead of {RATE}", "malformed")
            read = sound.read(int(longest_seconds * RATE), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise Permanent(f"no sound: {error}", "malformed") from error
    return np.ascontiguousarray(read.mean(axis=1), dtype=np.float32)
