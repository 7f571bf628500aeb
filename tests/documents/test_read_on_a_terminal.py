"""`munshi read` where a person sits before it: readings go where they were sent, the bar where it is seen."""

import io
import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("documents")]


def pages(folder: Path, count: int) -> None:
    """Receipts of different numbers."""
    for number in range(count):
        paper = Image.new("RGB", (500, 300), "white")
        text = f"SAI GENERAL STORE\nBill No: {40 + number}\nTotal Rs. 431.50"
        ImageDraw.Draw(paper).text((30, 40), text, fill="black", font_size=32, spacing=24)
        out = io.BytesIO()
        paper.save(out, "PNG")
        (folder / f"{number}.png").write_bytes(out.getvalue())


def on_a_terminal(*arguments: str, stdout: int | None = None) -> tuple[bytes, bytes, int]:
    """Runs it with standard error on a terminal, and standard output there too or where it is sent: what was
    written to the terminal, what came out elsewhere, and the exit status."""
    ours, theirs = pty.openpty()
    program = str(Path(sys.executable).with_name("munshi"))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [program, "read", *arguments], stdout=stdout or theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        seen = bytearray()

        def look() -> None:
            while True:
                try:
                    piece = os.read(ours, 4096)
                except OSError:  # nobody has the other end any more
                    return
                if not piece:
                    return
                seen.extend(piece)

        looking = threading.Thread(target=look)
        looking.start()
        out = process.stdout.read() if process.stdout else b""
        status = process.wait()
        looking.join()
    os.close(ours)
    return bytes(seen), out, status


def test_objects_come_out_where_they_were_sent(tmp_path: Path) -> None:
    pages(tmp_path, 3)
    (tmp_path / "words.txt").write_text("hello")
    seen, out, status = on_a_terminal("--json", str(tmp_path), stdout=subprocess.PIPE)
    assert status == 1, "words.txt is none"
    found = [json.loads(line) for line in out.splitlines()]
    assert [Path(one["file"]).name for one in found] == ["0.png", "1.png", "2.png"]
    assert "█".encode() in seen or "━".encode() in seen, "the bar is seen"
    assert b"words.txt" in seen
    assert b"SAI GENERAL STORE" not in seen


def test_on_a_terminal_bar_and_lines_do_not_run_into_each_other(tmp_path: Path) -> None:
    pages(tmp_path, 3)
    seen, _, status = on_a_terminal(str(tmp_path))
    assert status == 0
    lines = seen.decode().replace("\r\n", "\n").split("\n")
    for number in range(3):
        (line,) = [line for line in lines if f"{number}.png" in line]
        assert "━" not in line.rpartition("\x1b[2K")[2]
