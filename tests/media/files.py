"""Files as people send them, and as nobody should."""

import io
import struct
import zipfile
import zlib

import numpy as np
import soundfile
from PIL import Image, ImageDraw

GPS = 0x8825
ORIENTATION = 0x0112


def picture(width: int = 400, height: int = 300, *, form: str = "JPEG", text: str = "Total 120.00") -> bytes:
    """A picture with something on it."""
    drawn = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(drawn).text((20, 20), text, fill="black")
    out = io.BytesIO()
    drawn.save(out, form)
    return out.getvalue()


def photograph(width: int = 400, height: int = 300) -> bytes:
    """A JPEG as a phone takes it: lying on its side, with the place where it was taken."""
    drawn = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(drawn).rectangle((0, 0, width // 4, height // 4), fill="red")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "A Phone"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (28.0, 36.0, 50.0)
    out = io.BytesIO()
    drawn.save(out, "JPEG", exif=exif)
    return out.getvalue()


def sound(
    seconds: float = 1.0,
    rate: int = 48_000,
    *,
    form: str = "OGG",
    subtype: str | None = "OPUS",
    channels: int = 1,
) -> bytes:
    """A tone of 440 Hz."""
    times = np.arange(int(seconds * rate)) / rate
    tone = (np.sin(times * 2 * np.pi * 440) * 0.5).astype(np.float32)
    out = io.BytesIO()
    soundfile.write(out, np.stack([tone] * channels, axis=1), rate, format=form, subtype=subtype)
    return out.getvalue()


def pdf(pages: int = 1) -> bytes:
    """A PDF with so many empty pages."""
    import pypdfium2

    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(595, 842)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def locked_pdf() -> bytes:
    """A PDF that asks for a password: what it is locked with fits none that anybody knows."""
    lock = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"5a" * 32, b"a5" * 32)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        lock,
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"<< /Size 5 /Root 1 0 R /Encrypt 4 0 R /ID [<%s> <%s>] >>" % (b"01" * 16, b"01" * 16)
    head = b"xref\n0 5\n0000000000 65535 f \n" + table
    return out + head + b"trailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, len(out))


def huge_png(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few bytes whose header says that it is huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def office(folder: str = "xl", *, unpacked: int = 2000) -> bytes:
    """An office file whose content unpacks to so many bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}/document.xml", b"0" * unpacked)
    return out.getvalue()


def archive() -> bytes:
    """A plain zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.txt", "a")
    return out.getvalue()
