"""Files from the phone: dropped, pasted or picked, looked at before they go, and opened in their bubbles."""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import numpy as np
import pytest
import soundfile
from PIL import Image
from playwright.async_api import expect

from rig.receipts import GUPTA, receipt

from .conftest import TOKEN
from .test_accessibility import no_violation

if TYPE_CHECKING:
    from playwright.async_api import JSHandle, Page

    from .conftest import Bot

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
CARRIED = """({name, type, bytes}) => {
    const carried = new DataTransfer();
    carried.items.add(new File([Uint8Array.from(bytes)], name, { type }));
    return carried;
}"""
"""What a browser gives with a drop or a paste of one file."""


async def carried(page: "Page", name: str, kind: str, data: bytes) -> "JSHandle":
    """A file in the hand."""
    return await page.evaluate_handle(CARRIED, {"name": name, "type": kind, "bytes": list(data)})


async def drop(page: "Page", name: str, kind: str, data: bytes) -> None:
    """Drops a file on the chat."""
    given = await carried(page, name, kind, data)
    await page.dispatch_event(".chat", "dragover", {"dataTransfer": given})
    await expect(page.get_by_text("Drop it here")).to_be_visible()
    await page.dispatch_event(".chat", "drop", {"dataTransfer": given})
    await expect(page.get_by_text("Drop it here")).to_have_count(0)


def picture() -> bytes:
    """A receipt."""
    return receipt(GUPTA)


@pytest.mark.parametrize("width", [360, 1280])
async def test_a_dropped_picture_is_looked_at_captioned_and_sent(
    page: "Page", bot: "Bot", width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 740})
    await drop(page, "bill.jpg", "image/jpeg", picture())
    shown = page.get_by_role("group", name="About to be sent")
    await expect(shown.get_by_role("img", name="bill.jpg")).to_be_in_viewport()
    await no_violation(page, "preview")
    box = page.get_by_role("textbox", name=re.compile("^Message to"))
    await expect(box).to_have_attribute("placeholder", "Add a caption")
    await box.click()
    await page.keyboard.type("Ramesh ka bill")
    assert bot.receiver.items("messages") == []
    await page.keyboard.press("Enter")
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert message["image"]["caption"] == "Ramesh ka bill"
    await expect(shown).to_have_count(0)
    await expect(box).to_have_value("")
    thumbnail = page.get_by_role("button", name="Open Ramesh ka bill")
    await expect(thumbnail.locator("img")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == width


async def pick(page: "Page", how: str, path: Path) -> None:
    """Chooses a file by the menu."""
    await page.get_by_role("button", name="Attach").click()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("menuitem", name=how).click()
    await (await chooser.value).set_files(path)


def large_photo() -> bytes:
    """8 MB from a phone that was held upright, with the place where it was taken."""
    noise = np.random.default_rng(3).integers(0, 256, (1800, 2400, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", quality=96, exif=exif)
    return out.getvalue()


async def kept(bot: "Bot", media_id: str) -> bytes:
    """What the phone sent."""
    async with bot.http.get(f"{bot.emulator.url}/control/media/{media_id}") as answer:
        assert answer.status == 200
        return await answer.read()


async def test_a_large_photo_is_made_smaller_as_a_phone_does(
    page: "Page", bot: "Bot", tmp_path: Path
) -> None:
    path = tmp_path / "bill.jpg"
    path.write_bytes(large_photo())
    assert path.stat().st_size > 5 * 1024 * 1024
    await pick(page, "Photo", path)
    await expect(page.get_by_role("group", name="About to be sent")).to_contain_text("made smaller")
    await page.get_by_role("button", name="Send", exact=True).click()
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert (message["type"], message["image"]["mime_type"]) == ("image", "image/jpeg")
    data = await kept(bot, message["image"]["id"])
    assert len(data) <= 5 * 1024 * 1024
    with Image.open(io.BytesIO(data)) as sent:
        assert sent.width < sent.height, "upright"
        assert not sent.getexif()


async def test_as_a_document_a_picture_goes_as_it_is(page: "Page", bot: "Bot", tmp_path: Path) -> None:
    path = tmp_path / "bill.jpg"
    path.write_bytes(large_photo())
    await pick(page, "Document", path)
    await page.get_by_role("button", name="Send", exact=True).click()
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert message["type"] == "document"
    assert await kept(bot, message["document"]["id"]) == path.read_bytes()


@pytest.mark.parametrize(("kind", "sent_as"), [("WEBP", "image"), (None, "document")])
async def test_a_picture_of_another_sort_goes_as_a_photo_where_it_can_be_opened(
    page: "Page", bot: "Bot", kind: str | None, sent_as: str
) -> None:
    data = receipt(GUPTA, kind) if kind else b"\0\0\0\x18ftypheic" + bytes(200)
    await drop(page, "bill", f"image/{(kind or 'heic').lower()}", data)
    await page.get_by_role("button", name="Send", exact=True).click()
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert message["type"] == sent_as
    if kind:
        assert message["image"]["mime_type"] == "image/jpeg"


async def test_a_picture_opens_at_full_size_and_gives_the_focus_back(page: "Page", bot: "Bot") -> None:
    await drop(page, "bill.jpg", "image/jpeg", picture())
    await page.get_by_role("button", name="Send", exact=True).click()
    thumbnail = page.get_by_role("button", name="Open photo")
    await thumbnail.click()
    viewer = page.get_by_role("dialog", name="Photo")
    await expect(viewer.get_by_role("img")).to_be_visible()
    await no_violation(page, "viewer")
    await page.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)
    await expect(thumbnail).to_be_focused()
    await thumbnail.press("Enter")
    await viewer.get_by_role("button", name="Close").click()
    await expect(viewer).to_have_count(0)
    assert len(await bot.receiver.wait_items("messages", 1)) == 1


async def test_what_was_pasted_can_be_taken_away_again(page: "Page", bot: "Bot") -> None:
    box = page.get_by_role("textbox", name=re.compile("^Message to"))
    given = await carried(page, "shot.png", "image/png", receipt(GUPTA, "PNG"))
    shown = page.get_by_role("group", name="About to be sent")
    for how in ("button", "escape"):
        await box.evaluate(
            "(box, clipboardData) => box.dispatchEvent(new ClipboardEvent('paste', {clipboardData,"
            " bubbles: true, cancelable: true}))",
            given,
        )
        await expect(shown).to_be_visible()
        if how == "button":
            await shown.get_by_role("button", name="Take it away").click()
        else:
            await box.press("Escape")
        await expect(shown).to_have_count(0)
    await box.fill("only a text")
    await box.press("Enter")
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert message["type"] == "text"


async def test_a_pdf_goes_as_a_document(page: "Page", bot: "Bot", tmp_path: Path) -> None:
    path = tmp_path / "bill 17.pdf"
    path.write_bytes(PDF)
    await page.get_by_role("button", name="Attach").click()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("menuitem", name="Document").click()
    await (await chooser.value).set_files(path)
    await expect(page.get_by_role("group", name="About to be sent")).to_contain_text("bill 17.pdf")
    await page.get_by_role("button", name="Send", exact=True).click()
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert (message["type"], message["document"]["filename"]) == ("document", "bill 17.pdf")
    assert message["document"]["mime_type"] == "application/pdf"
    await expect(page.locator(".bubble .file")).to_contain_text("bill 17.pdf")


async def test_a_sound_file_is_sent_as_it_is(page: "Page", bot: "Bot") -> None:
    await page.get_by_role("textbox", name=re.compile("^Message to")).fill("half a text")
    await drop(page, "note.ogg", "audio/ogg", b"OggS" + bytes(60))
    await expect(page.locator(".staged audio")).to_be_visible()
    await page.get_by_role("button", name="Send", exact=True).click()
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert message["type"] == "audio"
    assert "caption" not in message["audio"]
    await expect(page.get_by_role("textbox", name=re.compile("^Message to"))).to_have_value("half a text")


async def test_a_voice_note_of_the_shop_can_be_played(page: "Page", bot: "Bot") -> None:
    await page.get_by_role("textbox", name=re.compile("^Message to")).fill("bolkar batao")
    await page.keyboard.press("Enter")
    (asked,) = await bot.receiver.wait_items("messages", 1)
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": "audio/ogg"})
    form.add_field("file", sound(1.5), filename="reply.ogg", content_type="audio/ogg")
    url = f"{bot.emulator.url}/v25.0/{bot.id}/media"
    async with bot.http.post(url, data=form, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        kept = await answer.json()
    await bot.post(to=asked["from"], type="audio", audio={"id": kept["id"], "voice": True})
    player = page.locator(".voice")
    await page.wait_for_function("document.querySelector('.voice audio').duration > 1.4")
    await player.get_by_role("button", name="Play").click()
    await page.wait_for_function("document.querySelector('.voice audio').currentTime > 0.2")
    await no_violation(page, "voice note")


def sound(seconds: float) -> bytes:
    """A tone as Ogg/Opus."""
    written = io.BytesIO()
    wave = np.sin(np.linspace(0, 440 * 2 * np.pi * seconds, int(16_000 * seconds), dtype=np.float32)) / 4
    soundfile.write(written, wave, 16_000, format="OGG", subtype="OPUS")
    return written.getvalue()
