"""The media service's image reads and speaks: run out of its archive, read only, as nobody, offline."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import soundfile

from munshi_inference.training.documents import drawing, drawn, evaluate
from munshi_inference.training.documents.bills import TODAY
from rig.kubernetes import ROOT
from rig.unpacked import USER, Unpacked, unpack

pytestmark = [pytest.mark.cluster, pytest.mark.node, pytest.mark.timeout(900)]

_PYTHON = ("/usr/bin/python3", "-c")


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unpacked]:
    """The image of this tree."""
    if os.getuid() != 0:
        pytest.skip("not root: a root file system cannot be entered")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "images.py", "--archives", "media"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path_factory.mktemp("media")
    yield unpack(ROOT / "build" / "images" / "media.tar", folder)
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def told(media: Unpacked, *command: str, stdin: bytes = b"") -> bytes:
    """What a program of the image prints."""
    done = media.run(*command, stdin=stdin)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout


def test_tesseract_reads_english_hindi_and_sinhala(media: Unpacked) -> None:
    languages = told(media, "/usr/bin/tesseract", "--list-langs").decode().split("\n")[1:]
    assert {one for one in languages if one} == {"eng", "hin", "sin"}


@pytest.mark.parametrize("language", ["hi", "en", "si", "ta"])
def test_espeak_speaks(media: Unpacked, language: str) -> None:
    sound = told(media, "/usr/bin/espeak-ng", "-v", language, "--stdin", "--stdout", stdin=b"500")
    assert sound.startswith(b"RIFF")
    assert len(sound) > 10_000


_READ = """
import asyncio, dataclasses, json, sys
from datetime import date
from munshi.contracts.media import READERS, FileRef, ReadHints
from munshi.inference import InferenceSettings, load_engine

async def main():
    engine = load_engine(READERS["documents"], InferenceSettings())
    hints = ReadHints(languages=("hi", "en"), today=date.fromisoformat(sys.argv[1]), seconds=100)
    document = await engine.read(FileRef("image/jpeg", data=sys.stdin.buffer.read()), hints)
    await engine.close()
    print(json.dumps({"engine": document.engine, "total": str(document.fields.total), "text": document.text}))

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_receipt_in_hindi_is_read_with_tesseract(media: Unpacked) -> None:
    try:
        drawing.check()
    except drawing.FontsMissing as error:
        pytest.skip(str(error))
    right = 0
    for sample in drawn.samples("hindi", 3, evaluate.SEED):
        read = json.loads(told(media, *_PYTHON, _READ, TODAY.isoformat(), stdin=sample.data))
        assert read["engine"].endswith("+tesseract"), "its lines in Devanagari were left to the other engine"
        assert sum("\u0900" <= letter <= "\u097f" for letter in read["text"]) > 20
        right += read["total"] == str(sample.truth.total)
    assert right >= 2


_SPEAK = """
import asyncio, sys
from munshi.contracts.media import READERS
from munshi.inference import InferenceSettings, load_engine

async def main():
    engine = load_engine(READERS["voices"], InferenceSettings())
    sys.stdout.buffer.write(await engine.speak(sys.argv[1], sys.argv[2]))
    await engine.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [("रमेश का 500 रुपये उधार लिखा", "hi"), ("Ramesh owes 500 rupees", "en"), ("රමේෂ් රුපියල් 500", "si")],
)
def test_a_reply_becomes_a_voice_note(media: Unpacked, text: str, language: str) -> None:
    note = told(media, *_PYTHON, _SPEAK, text, language)
    sound = soundfile.info(io.BytesIO(note))
    assert (sound.format, sound.subtype) == ("OGG", "OPUS")
    assert 0.5 < sound.duration < 20


_LOOK = """
import importlib.util, os, pathlib, shutil
def writable(path):
    try: pathlib.Path(path, "probe").write_text(""); return True
    except OSError: return False
programs = ("sh", "bash", "dash", "gcc", "cc", "ld", "pip", "apt-get", "dpkg")
print(os.getuid(), [path for path in ("/", "/usr/bin", "/opt/munshi", "/tmp") if writable(path)],
      importlib.util.find_spec("pip"), [name for name in programs if shutil.which(name)])
"""


def test_its_programs_bring_no_shell_and_no_compiler(media: Unpacked) -> None:
    assert media.user == f"{USER}:{USER}"
    assert told(media, *_PYTHON, _LOOK).decode().strip() == f"{USER} ['/tmp'] None []"


def test_each_program_comes_with_its_copyright(media: Unpacked) -> None:
    for package in ("tesseract-ocr", "tesseract-ocr-hin", "tesseract-ocr-sin", "espeak-ng", "libespeak-ng1"):
        assert (media.root / "usr/share/doc" / package / "copyright").exists(), package
