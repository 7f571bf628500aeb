"""How long to wait before the next try."""

import random


def backoff(tries: int, cap: float) -> float:
    """Seconds before the next try after so many: doubling from 50 ms up to `cap`, half of it at random."""
    seconds = min(cap, 0.05 * 2.0 ** min(tries, 12))
    return seconds * (0.5 + random.random() / 2)
