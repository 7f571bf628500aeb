"""Scripts, input methods, files and voice."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Page

    from .conftest import Bot

TEXTS = {
    "hi": "रमेश को ₹500 का माल उधार, श्रीमती ज्ञानेश्वरी",
    "ta": "கணக்கு எவ்வளவு? நன்றி",
    "si": "ගිණුම කීයද? ශ්‍රී ලංකාව",
    "ar": "كم الحساب؟ ١٢٣",
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c489".replace(" ", "")
    + "0000000d49444154789c6360f8cff01f00050001ff89993d1d0000000049454e44ae426082"
)


async def test_scripts_share_a_thread_at_360_pixels_with_the_keyboard_open(page: "Page") -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    box = page.get_by_role("textbox", name=re.compile("^Message to"))
    for text in [*TEXTS.values(), "👍🙏", "<b>raw</b> *bold* _it_ ~no~"]:
        await box.fill(text)
        await box.press("Enter")
    rows = page.locator(".bubble")
    await expect(rows).to_have_count(6)
    for index, (language, text) in enumerate(TEXTS.items()):
        await expect(rows.nth(index)).to_have_attribute("lang", language)
        await expect(rows.nth(index).locator(".text")).to_have_text(text)
    assert await rows.nth(3).evaluate("row => getComputedStyle(row).direction") == "rtl"
    assert await rows.nth(0).evaluate("row => getComputedStyle(row).direction") == "ltr"
    last = rows.nth(5).locator(".text")
    assert await last.evaluate("text => [...text.children].map((one) => one.tagName)") == [
        "STRONG",
        "EM",
        "S",
    ]
    await expect(last).to_contain_text("<b>raw</b>")
    loaded = await page.evaluate(
        "document.fonts.ready.then(fonts => [...fonts].filter(f => f.status === 'loaded').length)"
    )
    assert loaded >= 5, "the fonts of the page are not those it ships"
    widths = await rows.evaluate_all(
        "rows => rows.map(row => row.getBoundingClientRect().width / innerWidth)"
    )
    assert max(widths) <= 0.75
    overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    line = await rows.nth(0).evaluate(
        "row => parseFloat(getComputedStyle(row).lineHeight) / parseFloat(getComputedStyle(row).fontSize)"
    )
    assert line >= 1.45

    await page.set_viewport_size({"width": 360, "height": 380})
    await expect(box).to_be_in_viewport()
    await expect(rows.nth(5)).to_be_in_viewport()


async def test_enter_chooses_a_word_while_an_input_method_composes(page: "Page", bot: "Bot") -> None:
    box = page.get_by_role("textbox", name=re.compile("^Message to"))
    await box.click()
    session = await page.context.new_cdp_session(page)
    await session.send("Input.imeSetComposition", {"text": "नम", "selectionStart": 2, "selectionEnd": 2})
    await box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    await expect(page.locator(".bubble")).to_have_count(0)
    await session.send("Input.insertText", {"text": "नमस्ते"})
    await expect(box).to_have_value("नमस्ते")
    await box.press("Shift+Enter")
    await page.keyboard.type("ji")
    await box.press("Enter")
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert message["text"]["body"] == "नमस्ते\nji"


async def test_photo_and_a_photo_that_is_too_large(page: "Page", bot: "Bot", tmp_path: Path) -> None:
    photo = tmp_path / "bill.png"
    photo.write_bytes(PNG)
    large = tmp_path / "large.png"
    large.write_bytes(bytes(6 * 1024 * 1024))  # nothing that could be made smaller
    for path in (large, photo):
        await page.get_by_role("button", name="Attach").click()
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("menuitem", name="Photo").click()
        await (await chooser.value).set_files(path)
        if path == large:
            await expect(page.get_by_text("A photo may have 5.0 MB at most")).to_be_visible()
    await page.get_by_role("button", name="Send", exact=True).click()
    (message,) = await bot.receiver.wait_items("messages", 1)
    assert message["type"] == "image"
    assert message["image"]["mime_type"] == "image/png"
    picture = page.locator(".bubble img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    await bot.control.wait_delivered()
    assert len(bot.receiver.items("messages")) == 1


async def test_voice_note_is_recorded_as_opus_in_ogg_and_plays(page: "Page", bot: "Bot") -> None:
    await page.context.grant_permissions(["microphone"], origin=bot.emulator.url)
    began = time.monotonic()
    await page.get_by_role("button", name="Record a voice note").click()
    # Each second is shown for a second only, and a page that the machine lets wait skips some.
    await expect(page.get_by_role("timer")).to_have_text(re.compile(r"^\d+:(0[1-9]|[1-5]\d)$"))
    await page.get_by_role("button", name="Send voice note").click()
    (message,) = await bot.receiver.wait_items("messages", 1)
    took = time.monotonic() - began
    assert message["type"] == "audio"
    assert message["audio"]["voice"] is True
    assert message["audio"]["mime_type"] == "audio/ogg; codecs=opus"
    url = f"{bot.emulator.url}/control/media/{message['audio']['id']}"
    async with bot.http.get(url) as answer:
        data = await answer.read()
    assert data.startswith(b"OggS")
    assert b"OpusHead" in data[:64]
    player = page.locator(".voice")
    await page.wait_for_function("document.querySelector('.voice audio').duration > 0.9")
    seconds = await player.locator("audio").evaluate("audio => audio.duration")
    assert 0.9 < seconds < took + 0.5
    await player.get_by_role("button", name="Play").click()
    await page.wait_for_function("document.querySelector('.voice audio').currentTime > 0.1")
    await player.get_by_role("slider", name="Position").focus()
    await player.get_by_role("button", name="Speed 1").click()
    assert await player.locator("audio").evaluate("audio => audio.playbackRate") == 1.5
