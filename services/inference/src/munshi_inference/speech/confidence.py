"""How sure a Whisper is of what it wrote. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_SILENCE = 0.6
"""Whisper's own bound: above it a stretch probably holds no speech."""
_REPETITION = 2.4
"""Whisper's own bound of text against its compressed size: above it one thing is said again and again."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One segment, with what the model says of it."""

    start: float
    """Seconds."""
    end: float
    text: str
    mean_log_probability: float
    """Of its tokens; natural logarithm, at most 0."""
    silence: float
    """Probability that nobody speaks."""
    compression: float
    """Length of the text against its compressed length."""


def heard(stretch: Stretch) -> bool:
    """Whether a stretch is speech: neither silence nor a phrase said in circles, as Whisper does at noise."""
    unsure = stretch.mean_log_probability < -1.0
    return bool(stretch.text.strip()) and not (unsure and stretch.silence > _SILENCE)


def confidence_of(stretches: Sequence[Stretch], language_probability: float = 1.0) -> float:
    """0 to 1: the mean probability of a token, by the length of each stretch; less where the model is unsure
    of the language or repeats itself. Nothing heard is 0."""
    if not stretches:
        return 0.0
    weights = [max(0.1, stretch.end - stretch.start) for stretch in stretches]
    mean = sum(
        weight * stretch.mean_log_probability * (1 if stretch.compression <= _REPETITION else 3)
        for weight, stretch in zip(weights, stretches, strict=True)
    ) / sum(weights)
    return round(min(1.0, math.exp(min(0.0, mean))) * (0.5 + 0.5 * language_probability), 4)
