"""What befalls paper and its photograph: fading, folds, crumples, skew, shadow, blur, noise, compression."""

import random
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.float32]
"""Rows, columns; 0 black to 255 white."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture as a phone sends it."""

    data: bytes
    mime_type: str = "image/jpeg"


def fade(paper: Grey, rng: random.Random) -> Grey:
    """Thermal paper that lost its ink, in bands."""
    height = paper.shape[0]
    rows = np.linspace(0, rng.uniform(1, 3) * np.pi, height) + rng.uniform(0, 6)
    weakness = 0.25 + 0.25 * np.sin(rows) + rng.uniform(-0.1, 0.2)
    loss = np.clip(weakness, 0.05, 0.68)[:, None]
    return (255 - (255 - paper) * (1 - loss)).astype(np.float32)


def fold(paper: Grey, rng: random.Random) -> Grey:
    """Creases across: a light and a dark side, and a little bend."""
    out = paper.copy()
    height, width = out.shape
    columns = np.arange(width, dtype=np.float32)
    for _ in range(rng.randint(1, 3)):
        at, slope = rng.uniform(0.1, 0.9) * height, rng.uniform(-0.05, 0.05)
        line = at + slope * (columns - width / 2)
        away = np.arange(height, dtype=np.float32)[:, None] - line[None, :]
        out += rng.uniform(8, 26) * np.exp(-((away / 9) ** 2)) * np.sign(away + 0.01)
        out -= rng.uniform(10, 40) * np.exp(-((away / 1.6) ** 2))
    return np.clip(out, 0, 255).astype(np.float32)


def bend(paper: Grey, rng: random.Random) -> Grey:
    """Paper that does not lie flat: rows run in waves of a few pixels."""
    height, width = paper.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    lift = rng.uniform(1.5, 5.0) * np.sin(xs / width * rng.uniform(1.5, 4.5) + rng.uniform(0, 6))
    slide = rng.uniform(0.5, 2.5) * np.sin(ys / height * rng.uniform(2, 7) + rng.uniform(0, 6))
    return np.asarray(
        cv2.remap(paper, xs + slide, ys + lift.astype(np.float32), cv2.INTER_LINEAR, borderValue=255),
        np.float32,
    )


def place(paper: Grey, rng: random.Random, strength: float) -> Grey:
    """The paper on a table, seen from the side and turned a little."""
    height, width = paper.shape
    room = int(0.08 * max(width, height) * (0.4 + strength))
    table = rng.uniform(60, 190)
    out = (width + 2 * room, height + 2 * room)
    reach = strength * 0.05 * min(width, height)
    corners = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    target = (
        corners + room + np.asarray([[rng.uniform(-1, 1) * reach for _ in "xy"] for _ in corners], np.float32)
    )
    angle = rng.uniform(-1, 1) * 4.5 * strength
    turn = cv2.getRotationMatrix2D((out[0] / 2, out[1] / 2), angle, 1.0)
    target = (target @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    grain = np.random.default_rng(rng.randrange(2**32)).normal(table, 6, (out[1], out[0])).astype(np.float32)
    cv2.warpPerspective(
        paper, matrix, out, dst=grain, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )
    return grain


def light(picture: Grey, rng: random.Random) -> Grey:
    """Uneven light, and the shadow of a hand."""
    height, width = picture.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = rng.uniform(-0.3, 0.3) * (xs / width - 0.5) + rng.uniform(-0.3, 0.3) * (ys / height - 0.5)
    picture = picture * (rng.uniform(0.72, 0.98) + slope)
    if rng.random() < 0.5:
        edge = xs * rng.uniform(-1, 1) + ys * rng.uniform(-1, 1)
        at = np.quantile(edge[::16, ::16], rng.uniform(0.2, 0.8))
        dark = 1 / (1 + np.exp(-(edge - at) / (0.03 * width)))
        picture = picture * (1 - rng.uniform(0.15, 0.45) * dark)
    return np.clip(picture, 0, 255).astype(np.float32)


def camera(picture: Grey, rng: random.Random) -> Grey:
    """Blur of focus or hand, and the sensor's noise."""
    if rng.random() < 0.7:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.25)), np.float32)
    else:
        length = rng.randint(2, 5)
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1 / length
        if rng.random() < 0.5:
            kernel = kernel.T
        picture = np.asarray(cv2.filter2D(picture, -1, kernel), np.float32)
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(2, 11), picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.float32)


def _coloured(picture: Grey, rng: random.Random) -> npt.NDArray[np.uint8]:
    tint = np.asarray([rng.uniform(0.86, 1.0), rng.uniform(0.94, 1.0), 1.0], np.float32)
    return np.asarray(np.clip(picture[:, :, None] * tint, 0, 255), np.uint8)


def _encoded(picture: npt.NDArray[np.uint8], quality: int) -> Photo:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return Photo(data.tobytes())


def clean(paper: npt.NDArray[np.uint8], rng: random.Random) -> Photo:
    """As scanned, or photographed with care."""
    picture = paper.astype(np.float32)
    if rng.random() < 0.4:
        picture = place(picture, rng, 0.12)
    return _encoded(_coloured(picture, rng), rng.randint(82, 95))


def photographed(paper: npt.NDArray[np.uint8], rng: random.Random) -> Photo:
    """As a phone in a shop sees it."""
    picture = paper.astype(np.float32)
    if rng.random() < 0.4:
        picture = fade(picture, rng)
    if rng.random() < 0.6:
        picture = fold(picture, rng)
    if rng.random() < 0.6:
        picture = bend(picture, rng)
    picture = place(picture, rng, rng.uniform(0.3, 1.0))
    picture = camera(light(picture, rng), rng)
    return _encoded(_coloured(picture, rng), rng.randint(55, 88))
