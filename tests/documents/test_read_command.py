"""`munshi read`, as a person runs it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

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


def test_wrong_use(tmp_path: Path) -> None:
    assert munshi().returncode == 2
    assert munshi("--assistant", "nobody", str(tmp_path)).returncode == 2
    assert munshi("--today", "someday", str(tmp_path)).returncode == 2
