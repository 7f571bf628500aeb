"""Pictures of receipts for tests: plain, printed, no question what they say."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

GUPTA = (
    "GUPTA TRADERS",
    "12 Station Road, Pune 411001",
    "GSTIN: 27AAPFU0939F1ZV",
    "",
    "TAX INVOICE",
    "Bill No: GT-1743      Date: {date}",
    "--------------------------------------",
    "Item              Qty   Rate   Amount",
    "Aata 10 kg          1    420   420.00",
    "Sugar 5 kg          1    220   220.00",
    "--------------------------------------",
    "TOTAL                          640.00",
    "",
    "Thank you, visit again",
)
"""Lines of a receipt over 640 rupees; `{date}` is to be filled in."""
_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf",
)


def receipt(lines: Sequence[str], kind: str = "JPEG") -> bytes:
    """A picture of these lines, as a phone's camera would give it of a clean print."""
    path = next((path for path in _FONTS if Path(path).exists()), None)
    font = ImageFont.truetype(path, 30) if path else ImageFont.load_default(30)
    picture = Image.new("RGB", (900, 60 + 46 * len(lines)), "white")
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((60, 30 + 46 * number), line, fill=(20, 20, 20), font=font)
    written = io.BytesIO()
    picture.save(written, kind, quality=88)
    return written.getvalue()
