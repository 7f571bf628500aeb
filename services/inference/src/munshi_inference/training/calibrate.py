"""Confidence on an honest scale: phrases the models never saw show how often a probability is right.

A trial pair of models is trained without a fifth of the phrases; on sentences of those, the share of right
readings at each joint probability gives a slope and an offset (Platt scaling) for the card.
"""

import math
from collections.abc import Sequence

import numpy as np

LEAST_POINTS = 50
"""With fewer trial sentences, no scale is fitted."""


def fit_scale(points: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Slope and offset, on the log odds, of what a joint probability means; (1, 0) with too few points."""
    from sklearn.linear_model import LogisticRegression

    outcomes = [right for _, right in points]
    if len(points) < LEAST_POINTS or len(set(outcomes)) < 2:
        return 1.0, 0.0
    odds = np.asarray([[log_odds(p)] for p, _ in points])
    model = LogisticRegression(C=1.0).fit(odds, outcomes)
    return round(float(model.coef_[0][0]), 4), round(float(model.intercept_[0]), 4)


def log_odds(probability: float) -> float:
    """Log odds of a probability, kept off 0 and 1."""
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clipped / (1 - clipped))
