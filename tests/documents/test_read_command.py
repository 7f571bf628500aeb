"""`munshi read`, as a person runs it."""

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from munshi_inference.documents.engines.tesseract import TesseractEngine, TesseractMissing
from munshi_inference.training.documents import drawing
from munshi_inference.training.documents.evaluate import same_name
from munshi_inference.training.documents.layouts import Cell, Sheet, Strip

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("documents")]


def munshi(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("munshi")
    return subprocess.run([str(program), "read", *arguments], capture_output=True, text=True, check=False)


def receipt(file: Path) -> None:
    paper = Image.new("RGB", (620, 520), "white")
    text = "SAI GENERAL STORE\nBill No: 41\nDate: 12/11/2026\nTotal Rs. 431.50"
    ImageDraw.Draw(paper).text((40, 60), text, fill="black", font_size=40, spacing=30)
    out = io.BytesIO()
    paper.save(out, "PNG")
    file.write_bytes(out.getvalue())


def test_folder_with_good_and_bad_files(tmp_path: Path) -> None:
    receipt(tmp_path / "a receipt.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0no more")
    (tmp_path / "words.txt").write_text("hello")
    done = munshi("--json", "--today", "2026-11-21", str(tmp_path), str(tmp_path / "gone.png"))
    assert done.returncode == 1
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert line["file"].endswith("a receipt.png")
    assert line["fields"] | {"vendor": ""} == {
        "total": "431.50",
        "date": "2026-11-12",
        "vendor": "",
        "invoice_no": "41",
        "currency": "INR",
    }
    assert line["kind"] in {"receipt", "invoice"}
    assert 0 <= line["confidence"] <= 1
    assert "SAI GENERAL STORE" in line["text"]
    for name in ("broken.jpg", "words.txt", "gone.png"):
        assert f"{name}:" in done.stderr
    assert "Traceback" not in done.stderr


def sinhala_bill(file: Path) -> None:
    """A till's paper as a shop in Kandy prints it."""
    rows = (
        ("ලක්ෂ්මී ස්ටෝර්ස්", ""),
        ("මහනුවර", ""),
        ("බිල් අංකය: 4127", "දිනය: 2026/11/05"),
        ("සම්බා සහල් 5kg", "1,150.00"),
        ("සීනි 1kg", "275.00"),
        ("පරිප්පු 1kg", "320.00"),
        ("මුළු එකතුව", "රු. 1,745.00"),
        ("ස්තූතියි, නැවත එන්න", ""),
    )
    cells = [(Cell(left, 0.0), *((Cell(right, 1.0, "right"),) if right else ())) for left, right in rows]
    strips = tuple(Strip(row, 1.5 if at == 0 else 1.0, bold=at == 0) for at, row in enumerate(cells))
    drawing.draw(Sheet(strips, wide=False), random.Random(4)).save(file)


def test_a_bill_in_sinhala(tmp_path: Path) -> None:
    try:
        drawing.check()
        if not TesseractEngine().trained("si"):
            pytest.skip("Tesseract without Sinhala")
    except (drawing.FontsMissing, TesseractMissing) as error:
        pytest.skip(str(error))
    sinhala_bill(tmp_path / "bill.png")
    done = munshi(
        *("--json", "--today", "2026-11-21", "--language", "si", "--language", "en"),
        str(tmp_path / "bill.png"),
    )
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout)
    fields = line["fields"]
    assert (fields["total"], fields["date"], fields["currency"]) == ("1745.00", "2026-11-05", "LKR")
    assert fields["invoice_no"] == "4127"
    assert same_name("ලක්ෂ්මී ස්ටෝර්ස්", fields["vendor"])
    assert [item["amount"] for item in line["lines"]] == ["1150.00", "275.00", "320.00"]
    assert (line["kind"], line["category"]) == ("receipt", "buy")
    assert "සීනි" in line["text"]


def test_wrong_use(tmp_path: Path) -> None:
    assert munshi().returncode == 2
    assert munshi("--assistant", "nobody", str(tmp_path)).returncode == 2
    assert munshi("--today", "someday", str(tmp_path)).returncode == 2
