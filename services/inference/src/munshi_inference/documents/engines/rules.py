"""Rows of dashes, stars or dots, and drawn lines: found like text, dear to read, and they say nothing.

A rule across an A4 page costs as much to read as ten words, so it is known by its look before it is read.
"""

import cv2
import numpy as np
import numpy.typing as npt

NARROWEST = 12.0
"""Widths to a height: what is shorter is cheap to read, and may be a word."""
ALIKE = 0.8
"""Likeness, 0 to 1, of a row's marks from which they are one mark repeated. On drawn pages stars and dashes
have 0.81 to 1.0, the letters of words 0.64 to 0.78."""
FEWEST = 12
"""Marks from which likeness counts: of fewer, letters may be as alike by chance."""
FLAT = 0.35
"""Of the row's height: where the tallest mark is no taller, there are only dashes."""
CONTRAST = 15
"""Shades by which ink is darker than what surrounds it."""
_SIDE = 12

Pixels = npt.NDArray[np.uint8]


def is_rule(line: Pixels) -> bool:
    """Whether a line, cut out straight (blue-green-red), is a rule and no text."""
    height, width = line.shape[:2]
    if width < NARROWEST * height:
        return False
    grey = cv2.cvtColor(line, cv2.COLOR_BGR2GRAY)
    ink = cv2.adaptiveThreshold(
        grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 2 * height + 1, CONTRAST
    )
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    marks = boxes[1:]
    if len(marks) == 0:
        return False
    areas = marks[:, cv2.CC_STAT_AREA]
    marks = marks[areas >= max(4.0, 0.1 * float(np.median(areas)))]
    if len(marks) == 0:
        return False
    tall = marks[:, cv2.CC_STAT_HEIGHT]
    if tall.max() <= FLAT * height:
        return bool(marks[:, cv2.CC_STAT_WIDTH].sum() > width / 4)
    even = bool(tall.max() <= 1.6 * np.median(tall))
    return even and len(marks) >= FEWEST and _likeness(ink, marks) >= ALIKE


def _likeness(ink: npt.NDArray[np.generic], marks: npt.NDArray[np.generic]) -> float:
    """How far all marks have one shape, 0 to 1."""
    shapes = np.stack(
        [
            cv2.resize(
                np.asarray(ink[top : top + tall, left : left + wide], np.float32),
                (_SIDE, _SIDE),
                interpolation=cv2.INTER_AREA,
            )
            for left, top, wide, tall in (
                (int(m[0]), int(m[1]), int(m[2]), int(m[3])) for m in marks[:, : cv2.CC_STAT_AREA]
            )
        ]
    )
    return float(1 - np.abs(shapes - np.median(shapes, axis=0)).mean())
