"""Pictures as engines read them: upright, of a bounded size, without metadata (a place, a phone's owner).

Nothing is decoded before its size is known from the header, so an oversize picture costs no memory.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from munshi.contracts.media import Refusal
from munshi.files.kinds import FileRefused

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO")
"""What is opened; Pillow knows many more that nobody sends and that have had holes."""

MAX_PIXELS = 60_000_000
"""Largest picture that is decoded: a phone's 50 megapixels with some room; 180 MB of memory."""

LONGEST_SIDE = 2_600
"""Pixels: an A4 page at 220 dots an inch. More adds time and no right letters."""

QUALITY = 90
"""Of JPEG: letters of 12 pixels stay as legible as they were."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A normalised picture; sizes in pixels."""

    data: bytes
    mime_type: str
    """`image/jpeg`."""
    width: int
    height: int


def normalise(data: bytes, *, max_pixels: int = MAX_PIXELS, longest_side: int = LONGEST_SIDE) -> Picture:
    """The picture upright, at most `longest_side` pixels long, without any metadata.

    Raises:
        FileRefused: `too_many_pixels`, or `malformed` (no picture, cut off, broken).
    """
    return encode(upright(data, max_pixels=max_pixels, longest_side=longest_side))


def upright(data: bytes, *, max_pixels: int = MAX_PIXELS, longest_side: int = LONGEST_SIDE) -> Image.Image:
    """The same as pixels, RGB or grey, for who need not keep it. Raises: as `normalise`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken tags of a camera are no fault of the picture
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                return _flat(opened, max_pixels, longest_side)
    except FileRefused:
        raise
    except UnidentifiedImageError as error:
        raise FileRefused(Refusal.MALFORMED, "no picture that can be opened") from error
    except Image.DecompressionBombError as error:
        raise FileRefused(Refusal.TOO_MANY_PIXELS, str(error)) from error
    except Exception as error:  # a codec raises whatever it likes on broken bytes
        raise FileRefused(Refusal.MALFORMED, f"broken picture: {type(error).__name__}") from error


def _flat(opened: Image.Image, max_pixels: int, longest_side: int) -> Image.Image:
    width, height = opened.size
    if width * height > max_pixels:
        raise FileRefused(Refusal.TOO_MANY_PIXELS, f"{width} x {height} pixels")
    if opened.format in {"JPEG", "MPO"}:
        opened.draft("RGB", (longest_side, longest_side))
    flat = _on_white(ImageOps.exif_transpose(opened) or opened)
    flat.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    flat.info = {}
    return flat


def _on_white(picture: Image.Image) -> Image.Image:
    """RGB or grey; what was see-through becomes paper."""
    if picture.mode in {"RGB", "L"}:
        return picture.copy()
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        above = picture.convert("RGBA")
        paper = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(paper, above).convert("RGB")
    return picture.convert("RGB")


def encode(picture: Image.Image) -> Picture:
    """The picture as JPEG, with no metadata of any kind."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=False)
    return Picture(out.getvalue(), "image/jpeg", picture.width, picture.height)
