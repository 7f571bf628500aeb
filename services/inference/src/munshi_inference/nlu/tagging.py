"""Tagging of many texts at once, by the weights that CRFsuite trained.

CRFsuite takes one text and looks each feature up by its name, which is most of what it does. Here names are
looked up once a word and pair of words: a unit is rows of the table of weights, which numpy sums, and all
texts go through the chain together. For a single text CRFsuite is quicker. Labels are the same, probabilities
too but for rounding.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from munshi_inference.nlu.features import Lexicon, Pieces, unit_pieces
from munshi_inference.nlu.units import Reading

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_ROW = struct.Struct("=q")
_NO_ROW = b""
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("label", "<u4"), ("weight", "<f8")])
_OF_STATE, _OF_TRANSITION = 0, 1
_STEPS_TO_SCALE = 16
"""Sums grow or shrink by less than 10**7 a step, and hold 10**300."""


class Weights:
    """What is in a model of CRFsuite (https://www.chokkan.org/software/crfsuite/, format `lCRF`)."""

    def __init__(self, file: Path) -> None:
        raw = file.read_bytes()
        magic, _, _, _, _, _, _, features, labels, names, _, _ = struct.unpack_from("<4sI4s9I", raw)
        if magic != b"lCRF":
            raise ValueError(f"{file.name} is no model of CRFsuite")
        _, _, count = struct.unpack_from("<4sII", raw, features)
        held = np.frombuffer(raw, _FEATURE, count, features + 12)
        self.labels = tuple(label.decode() for label in _strings(raw, labels))
        self.features = _strings(raw, names)
        self.state = np.zeros((len(self.features), len(self.labels)))
        """Feature x label."""
        self.transition = np.zeros((len(self.labels), len(self.labels)))
        """Label x the label after it."""
        for kind, table in ((_OF_STATE, self.state), (_OF_TRANSITION, self.transition)):
            chosen = held[held["kind"] == kind]
            table[chosen["source"], chosen["label"]] = chosen["weight"]


def _strings(raw: bytes, start: int) -> list[bytes]:
    """The strings of one of the file's dictionaries (CQDB), by their number: each with its number and its
    size before it and a zero after it."""
    count, table = struct.unpack_from("<II", raw, start + 16)
    places = start + np.frombuffer(raw, "<u4", count, start + table).astype(np.intp)
    sizes = np.frombuffer(raw, np.uint8)[places[:, None] + range(4, 8)].view("<u4")[:, 0]
    return [raw[at + 8 : at + 7 + size] for at, size in zip(places.tolist(), sizes.tolist(), strict=True)]


class TaggerOfMany:
    """Labels the units of texts. No state between texts."""

    def __init__(self, file: Path, lexicon: Lexicon) -> None:
        weights = Weights(file)
        self._labels = weights.labels
        self._rows = {feature: _ROW.pack(row) for row, feature in enumerate(weights.features)}
        nothing = np.zeros((1, len(weights.labels)))
        self._table = np.concatenate([weights.state, nothing])
        self._nothing = _ROW.pack(len(weights.features))
        self._transition = weights.transition
        size = len(weights.labels)
        forward = np.exp(weights.transition)
        self._steps = np.zeros((2 * size, 2 * size))
        """A step from the beginning for the first half of a row, one from the end for the second."""
        self._steps[:size, :size], self._steps[size:, size:] = forward, forward.T

        self._pieces = Pieces(lexicon, self._pack)

    def _pack(self, features: Iterable[bytes]) -> bytes:
        """Their rows; those of several can be joined. A feature that training did not keep has none."""
        known = self._rows
        return b"".join([known.get(feature, _NO_ROW) for feature in features])

    def tag(self, readings: Sequence[Reading]) -> list[tuple[list[str], float]]:
        """For each text, of at least one unit: the likeliest sequence of labels and its probability."""
        ends = list(accumulate(len(reading.units) for reading in readings))
        starts = [0, *ends[:-1]]
        units = chain.from_iterable(unit_pieces(reading, self._pieces) for reading in readings)
        scores = self._scores([b"".join(pieces) or self._nothing for pieces in units])
        labels, norms = self._marginal(scores, starts, ends)
        found = []
        for start, end, along, norm in zip(
            starts, ends, self._along(scores, labels, starts), norms, strict=True
        ):
            chosen, share = labels[start:end], math.exp(along - norm)
            if share <= 0.5:  # else no other sequence can be as likely
                chosen = self._likeliest(scores[start:end])
                share = math.exp(self._along(scores[start:end], chosen, [0])[0] - norm)
            found.append(([self._labels[label] for label in chosen.tolist()], share))
        return found

    def _scores(self, units: Sequence[bytes]) -> Floats:
        """Sums of the rows of each unit; of a unit's scores the highest is put to 0."""
        starts = [0, *[size // _ROW.size for size in accumulate(map(len, units))]]
        rows = np.frombuffer(b"".join(units), np.int64)
        scores: Floats = np.add.reduceat(self._table.take(rows, axis=0), starts[:-1], axis=0)
        scores -= np.maximum.reduce(scores, axis=1, keepdims=True)
        return scores

    def _marginal(
        self, scores: Floats, starts: Sequence[int], ends: Sequence[int]
    ) -> tuple[Places, list[float]]:
        """The likeliest label of each unit by itself; for each text the logarithm of what all its sequences
        sum to. All texts go forward from their first unit and backward from their last at the same time."""
        forward, backward, widths, order = _by_step(starts, ends)
        count = len(self._labels)
        given = np.exp(scores)
        own = np.concatenate([given[forward], given[backward]], axis=1)
        reached = np.ones_like(own)
        """Without what the unit itself has."""
        scales = np.zeros(len(starts))
        last, start = own[: widths[0]], widths[0]
        for step, width in enumerate(widths[1:], 1):
            end = start + width
            arrived = np.dot(last[:width], self._steps, out=reached[start:end])
            last = own[start:end]
            last *= arrived
            start = end
            if step % _STEPS_TO_SCALE == 0:
                scales[:width] += np.log(_scaled(last[:, :count]))
                _scaled(last[:, count:])
        before, after = np.empty_like(scores), np.empty_like(scores)
        before[forward], after[backward] = own[:, :count], reached[:, count:]
        whole = np.log(np.add.reduce(before[[end - 1 for end in ends]], axis=1))
        whole[order] += scales
        after *= before
        return after.argmax(axis=1), whole.tolist()

    def _along(self, scores: Floats, labels: Places, starts: Sequence[int]) -> list[float]:
        """What each text's sequence of labels scores."""
        each = scores[np.arange(len(labels)), labels]
        steps = self._transition[labels[:-1], labels[1:]]
        steps[[start - 1 for start in starts[1:]]] = 0.0
        each[1:] += steps
        along: list[float] = np.add.reduceat(each, starts).tolist()
        return along

    def _likeliest(self, scores: Floats) -> Places:
        """The likeliest sequence of one text (Viterbi)."""
        reached, came = scores[0], []
        for own in scores[1:]:
            ways = reached[:, None] + self._transition
            came.append(ways.argmax(axis=0))
            reached = ways.max(axis=0) + own
        path = [int(reached.argmax())]
        for step in reversed(came):
            path.append(int(step[path[-1]]))
        return np.array(path[::-1])


def _by_step(starts: Sequence[int], ends: Sequence[int]) -> tuple[Places, Places, list[int], Places]:
    """Units in the order in which texts are gone through, the first of each, then the second of each, and so
    on: forward and backward, how many there are in each step, and the order of the texts, longest first."""
    first, last = np.array(starts), np.array(ends) - 1
    order = np.argsort(first - last, kind="stable")
    first, last = first[order], last[order]
    steps = np.arange(last[0] - first[0] + 1)[:, None]
    there = steps <= last - first
    return (first + steps)[there], (last - steps)[there], np.add.reduce(there, axis=1).tolist(), order


def _scaled(rows: Floats) -> Floats:
    """Makes each row sum to 1; what they summed to."""
    sums = np.add.reduce(rows, axis=1, keepdims=True)
    rows /= sums
    return sums[:, 0]
