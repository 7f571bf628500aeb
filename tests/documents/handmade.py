"""The hand-made documents (`handmade/*.html`, written by hand, truth in `handmade/truth.json`) as pictures.

Rendered by the system's Chromium, and photographed on a table that exists only here. None of it knows the
generator that the readers were trained with. As a command: `python tests/documents/handmade.py FOLDER` writes
`<name>.scan.jpg`, `<name>.photo.jpg` and `truth.json`.
"""

import io
import json
import math
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

PAGES = Path(__file__).parent / "handmade"
SCALE = 2.0
"""Device pixels of a CSS pixel."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture of a document: `way` is `scan` or `photo`."""

    name: str
    way: str
    data: bytes


def truth() -> dict[str, dict[str, Any]]:
    """What is true of each document, by its name."""
    loaded: dict[str, dict[str, Any]] = json.loads((PAGES / "truth.json").read_text(encoding="utf-8"))
    return loaded


def chromium() -> str | None:
    """The browser's program, where there is one."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def rendered(names: list[str]) -> Iterator[tuple[str, Image.Image]]:
    """The pages as the browser shows them."""
    from playwright.sync_api import sync_playwright

    known = truth()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            for name in names:
                width = int(known[name]["width"])
                page = browser.new_page(viewport={"width": width, "height": 300}, device_scale_factor=SCALE)
                page.goto((PAGES / f"{name}.html").as_uri())
                shot = page.screenshot(full_page=True)
                page.close()
                yield name, Image.open(io.BytesIO(shot)).convert("RGB")
        finally:
            browser.close()


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _coefficients(corners: list[tuple[float, float]], width: int, height: int) -> list[float]:
    """Of Pillow's perspective transform, which asks for the way from the output back to the input."""
    source = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return [float(c) for c in np.linalg.solve(np.asarray(rows, float), np.asarray(right, float))]


def _table(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Wood, more or less."""
    base = Image.new("RGB", size, rng.choice(("#6b4a30", "#8a8f94", "#3d4650", "#b79a72")))
    grain = Image.effect_noise((size[0], max(2, size[1] // 40)), 40).resize(size).convert("RGB")
    return Image.blend(base, grain, 0.18)


def photographed(page: Image.Image, rng: random.Random) -> Image.Image:
    """The page lying on a table, from above and a bit askew, in the light of a shop."""
    width, height = page.size
    edge = round(0.1 * max(width, height))
    size = (width + 2 * edge, height + 2 * edge)
    tilt = math.radians(rng.uniform(-3.5, 3.5))
    middle = (size[0] / 2, size[1] / 2)
    corners = []
    for x, y in ((edge, edge), (edge + width, edge), (edge + width, edge + height), (edge, edge + height)):
        dx = x - middle[0] + rng.uniform(-0.025, 0.025) * width
        dy = y - middle[1] + rng.uniform(-0.025, 0.025) * height
        corners.append(
            (
                middle[0] + dx * math.cos(tilt) - dy * math.sin(tilt),
                middle[1] + dx * math.sin(tilt) + dy * math.cos(tilt),
            )
        )
    way = _coefficients(corners, width, height)
    paper = page.transform(size, Image.Transform.PERSPECTIVE, way, Image.Resampling.BICUBIC)
    mask = Image.new("L", page.size, 255).transform(size, Image.Transform.PERSPECTIVE, way)
    picture = _table(size, rng)
    picture.paste(paper, (0, 0), mask)
    picture = _lit(picture, rng)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.3)))
    noise = Image.effect_noise(size, rng.uniform(8, 22)).convert("RGB")
    return ImageChops.add(picture, noise, 1.0, -128)


def _lit(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Light from a side, and a soft shadow over a corner."""
    width, height = picture.size
    light = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize(picture.size)
    light = light.point(lambda v: 165 + v * 80 // 255)
    shade = Image.new("L", picture.size, 255)
    pencil = ImageDraw.Draw(shade)
    x, y = rng.choice(((0, 0), (width, 0), (0, height), (width, height)))
    reach = rng.uniform(0.35, 0.7) * min(width, height)
    pencil.ellipse((x - reach, y - reach, x + reach, y + reach), fill=rng.randint(150, 200))
    shade = shade.filter(ImageFilter.GaussianBlur(0.05 * width))
    return ImageChops.multiply(picture, ImageChops.multiply(light, shade).convert("RGB"))


def taken(names: list[str] | None = None) -> Iterator[Taken]:
    """Both pictures of each document."""
    for name, page in rendered(names or sorted(truth())):
        yield Taken(name, "scan", _jpeg(page, 90))
        rng = random.Random(name)
        yield Taken(name, "photo", _jpeg(photographed(page, rng), rng.randint(60, 85)))


def main() -> int:
    """The command."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if chromium() is None:
        sys.stderr.write("no Chromium here: make system-packages\n")
        return 1
    for picture in taken():
        (folder / f"{picture.name}.{picture.way}.jpg").write_bytes(picture.data)
    shutil.copy(PAGES / "truth.json", folder / "truth.json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
