"""PDFs: their own text where it can be trusted, else their pages as pictures.

The text of a digital PDF in an Indic script is often rubbish (fonts with a coding of their own): it is
scored, and above `WORST` the page is looked at instead.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Self

import cv2
import numpy as np

from munshi.contracts.media import Refusal
from munshi.files.kinds import FileRefused
from munshi_inference.documents.engines.rapid import Pixels
from munshi_inference.documents.letters import plain
from munshi_inference.documents.pieces import Piece

MOST_PAGES = 20
"""A longer file is a book or a statement, not a bill; reading it would take a core a minute."""

WORST = 0.1
"""Share of suspicious characters above which the text is not trusted."""

FEWEST_LETTERS = 20
"""Fewer on a page: it is a picture with a stamp."""

DOTS_PER_INCH = 200
LONGEST_SIDE = 2_600
_POINTS = 72


def suspicion(text: str) -> float:
    """Share of characters that a trustworthy text would not have, 0 to 1."""
    letters = [c for c in text if not c.isspace()]
    if not letters:
        return 1.0
    strange = sum(
        1
        for c in letters
        if "\u0100" <= c <= "\u024f" or c == "\ufffd" or unicodedata.category(c) in {"Cc", "Co", "Cn", "Cs"}
    )
    strange += 5 * text.count("(cid:")
    strange += sum(1 for word in text.split() if unicodedata.category(word[0]) in {"Mn", "Mc"})
    return min(1.0, strange / len(letters))


class Pages:
    """An open PDF; to be closed."""

    def __init__(self, data: bytes) -> None:
        """Opens it. Raises `FileRefused`: malformed, locked, or of more than `MOST_PAGES` pages."""
        import pypdfium2 as pdfium

        try:
            self._document: Any = pdfium.PdfDocument(data)
            self.count = len(self._document)
        except pdfium.PdfiumError as error:
            if "password" in str(error).lower():
                raise FileRefused(Refusal.LOCKED, "this PDF is locked with a password") from error
            raise FileRefused(Refusal.MALFORMED, f"PDF: {error}") from error
        if self.count > MOST_PAGES:
            self.close()
            raise FileRefused(Refusal.TOO_MANY_PAGES, f"{self.count} pages, at most {MOST_PAGES}")

    def close(self) -> None:
        """Lets go of the file."""
        self._document.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pieces(self, index: int) -> list[Piece] | None:
        """The page's own text with places in points; `None` where there is too little or it is rubbish."""
        page = self._document[index]
        textpage = page.get_textpage()
        try:
            height = page.get_height()
            found = list(_pieces(textpage, height))
        finally:
            textpage.close()
            page.close()
        text = "\n".join(piece.text for piece in found)
        if len(re.sub(r"\W", "", text)) < FEWEST_LETTERS or suspicion(text) > WORST:
            return None
        return found

    def picture(self, index: int) -> Pixels:
        """The page as a picture: 200 dots an inch, at most `LONGEST_SIDE` pixels long."""
        page = self._document[index]
        try:
            longest = max(page.get_size())
            scale = min(DOTS_PER_INCH / _POINTS, LONGEST_SIDE / max(longest, 1.0))
            bitmap = page.render(scale=scale)
            pixels = np.ascontiguousarray(bitmap.to_numpy())
            bitmap.close()
        finally:
            page.close()
        if pixels.ndim == 2 or pixels.shape[2] == 1:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)
        return pixels[:, :, :3].copy()


def _pieces(textpage: Any, height: float) -> Iterator[Piece]:
    for index in range(textpage.count_rects()):
        left, bottom, right, top = textpage.get_rect(index)
        text = plain(textpage.get_text_bounded(left, bottom, right, top))
        line = " ".join(text.split())
        if line:
            yield Piece(line, left, height - top, right, height - bottom)
