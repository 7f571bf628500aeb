"""Pictures and types of files: what is told by content, what is refused, what is taken out."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from munshi.contracts.media import Refusal
from munshi.files import kinds, pictures
from munshi.files.kinds import Family, FileRefused


def encoded(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "mime_type", "family"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg", Family.PICTURE),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", Family.PICTURE),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav", Family.SOUND),
        (b"%PDF-1.7", "application/pdf", Family.PDF),
        (b"\xef\xbb\xbf%PDF-1.7", "application/pdf", Family.PDF),
        (b"OggS\x00\x02", "audio/ogg", Family.SOUND),
        (b"ID3\x04", "audio/mpeg", Family.SOUND),
        (b"\xff\xfb\x90\x64", "audio/mpeg", Family.SOUND),
        (b"\xff\xf1\x50\x80", "audio/aac", Family.SOUND),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4", Family.SOUND),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4", Family.VIDEO),
        (b"PK\x03\x04", "application/zip", Family.ARCHIVE),
        (b"MZ\x90\x00", "application/x-msdownload", Family.OTHER),
        (b"hello", None, Family.OTHER),
        (b"", None, Family.OTHER),
    ],
)
def test_content_tells_the_type(head: bytes, mime_type: str | None, family: Family) -> None:
    assert kinds.sniff(head) == mime_type
    assert kinds.family(mime_type) is family


@given(st.binary(max_size=80))
def test_any_bytes_have_an_answer(head: bytes) -> None:
    kinds.family(kinds.sniff(head))


def test_turned_upright_and_stripped() -> None:
    picture = Image.new("RGB", (400, 200), "red")
    exif = picture.getexif()
    exif[0x0112] = 6  # taken with the phone on its side
    exif[0x010F] = "Maker of the phone"
    exif.get_ifd(0x8825)[2] = (18.0, 31.0, 12.0)  # where it was taken
    normal = pictures.normalise(encoded(picture, exif=exif))
    assert (normal.width, normal.height) == (200, 400)
    with Image.open(io.BytesIO(normal.data)) as again:
        assert not again.getexif()
        assert again.format == "JPEG"
    assert b"Maker" not in normal.data


def test_made_smaller_but_never_larger() -> None:
    assert pictures.normalise(encoded(Image.new("L", (5200, 100)))).width == pictures.LONGEST_SIDE
    assert pictures.normalise(encoded(Image.new("L", (300, 100)))).width == 300


def test_see_through_becomes_paper() -> None:
    normal = pictures.normalise(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG"))
    with Image.open(io.BytesIO(normal.data)) as again:
        assert again.convert("L").getpixel((10, 10)) == 255


def bomb(width: int, height: int) -> bytes:
    """A PNG of some kilobytes that would be gigabytes when decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(9_000, 9_000), (60_000, 60_000)])
def test_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(FileRefused) as refused:
        pictures.normalise(bomb(*size))
    assert refused.value.refusal is Refusal.TOO_MANY_PIXELS


@pytest.mark.parametrize("cut", [0, 3, 20, 400])
def test_broken_picture_is_refused(cut: int) -> None:
    whole = encoded(Image.effect_noise((200, 200), 50))
    with pytest.raises(FileRefused) as refused:
        pictures.normalise(whole[:cut])
    assert refused.value.refusal is Refusal.MALFORMED


@given(st.binary(min_size=1, max_size=300))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(FileRefused):
        pictures.normalise(b"\xff\xd8\xff" + data)
