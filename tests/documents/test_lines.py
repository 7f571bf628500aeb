"""Lines of a page before they become rows: rules are left unread, figures of two engines are put together."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from munshi_inference.documents.engines.indic import with_figures
from munshi_inference.documents.engines.rules import is_rule


def line(text: str, *, blur: float = 0.0, dark: int = 20) -> npt.NDArray[np.uint8]:
    """A line as a detector cuts it out: text with a little paper around."""
    font = ImageFont.load_default(size=26)
    left, top, right, bottom = font.getbbox(text)
    room = 6
    paper = Image.new("RGB", (int(right - left) + 2 * room, int(bottom - top) + 2 * room), (225, 220, 210))
    ImageDraw.Draw(paper).text((room - left, room - top), text, fill=(dark,) * 3, font=font)
    return np.asarray(paper.filter(ImageFilter.GaussianBlur(blur)), np.uint8)


@pytest.mark.parametrize("blur", [0.0, 0.5])
@pytest.mark.parametrize("mark", ["-", "*", "=", "- ", "* ", "_", "."])
def test_rules_are_known(mark: str, blur: float) -> None:
    assert is_rule(line(mark * 60, blur=blur))


def test_drawn_line_is_a_rule() -> None:
    paper = Image.new("RGB", (700, 20), "white")
    ImageDraw.Draw(paper).line((10, 10, 690, 10), fill=(40, 40, 40), width=2)
    assert is_rule(np.asarray(paper, np.uint8))


@pytest.mark.parametrize("blur", [0.0, 1.0])
@pytest.mark.parametrize(
    "text",
    [
        "Goods once sold will not be taken back",
        "SHREE BALAJI ELECTRONICS AND ELECTRICALS",
        "GSTIN/UIN: 27AAPFU0939F1ZV  State 27 Maharashtra",
        "Total ................................ 1,431.50",
        "Amount  ------------------------------  99.00",
        "9876543210  1234567890  5647382910  8172635445",
        "TOTAL",
        "---",
        "",
    ],
)
def test_words_are_no_rules(text: str, blur: float) -> None:
    assert not is_rule(line(text or " ", blur=blur))


def test_empty_paper_is_no_rule() -> None:
    assert not is_rule(np.full((20, 600, 3), 230, np.uint8))


@pytest.mark.parametrize(
    ("read", "figures", "sure", "wanted"),
    [
        ("आटा 10 किलो 420.00", "fm 420.00", 0.95, "आटा 10 किलो 420.00"),  # not as many figures: as read
        ("चीनी 226.00", "t 225.00", 0.95, "चीनी 225.00"),
        ("कुल राशि ₹ 431.56", "2431.56", 0.95, "कुल राशि ₹ 431.56"),
        ("Total රු.400.00", "Total 2.400.00", 0.95, "Total රු.400.00"),
        ("रसीद संख्या S2609", "52609", 0.95, "रसीद संख्या S2609"),
        ("तिथि: 27-अक्टूबर-2026", "f:27-3-2026", 0.8, "तिथि: 27-अक्टूबर-2026"),
        ("दिनांक : 10-नवंबर-2026", "faia : 10-TR-2026", 0.95, "दिनांक : 10-नवंबर-2026"),
        ("दर २२५.५०", "GT 229.40", 0.95, "दर 225.50"),
        ("बिल नंबर GB - 26- 65188", "fa G: GB-26-05188", 0.95, "बिल नंबर GB-26-05188"),
        ("රිසිට්පත් අංකය : 883)/- 0 -26-33915", "8q09: INV-26-33915", 0.6, "රිසිට්පත් අංකය : INV-26-33915"),
        ("बिल नं: 318", "fa: INV-999", 0.95, "बिल नं: 999"),
    ],
)
def test_figures_of_two_engines(read: str, figures: str, sure: float, wanted: str) -> None:
    assert with_figures(read, figures, sure) == wanted
