"""kill -9 at every step between the request and its answer: nothing is lost, nothing is done twice."""

import asyncio

import pytest

from media import files
from media.stage import Stage, original
from munshi.contracts.media import MediaAnswer, ReadRequest, Verb

STEPS = 12
"""Calls to the outside for one picture: record, look-up of the bytes, download, mark, bytes, record; then
mark and bytes of the normalised one, record, reading, record."""


async def killed_at(stage: Stage, request: ReadRequest, when: str, step: int) -> str | None:
    """Lets the service die there; gives back the name of the step, or `None` if it came to its end."""
    (stage.engines / "kill").write_text(f"{when} {step}")
    asking = asyncio.create_task(stage.ask(Verb.READ, request, 30.0))
    service = stage.service
    assert service is not None
    assert service.process is not None
    while not asking.done():
        if service.process.poll() is not None:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            return (stage.engines / "killed").read_text()
        await asyncio.sleep(0.02)
    answer, _ = await asking
    assert isinstance(answer, MediaAnswer)
    return None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_the_file_is_read_once(own_stage: Stage, when: str) -> None:
    stage = own_stage
    (stage.engines / "killed_service.py").write_text((stage.here / "killed_service.py").read_text())
    await stage.open("killed_service")
    shop = await stage.shop()
    service = stage.service
    assert service is not None
    seen: list[str] = []
    for step in range(1, STEPS + 2):
        data = files.picture(text=f"{when} {step}")
        request = await shop.takes(data, "image/jpeg")
        died = await killed_at(stage, request, when, step)
        if died is None:
            break
        seen.append(died)
        await asyncio.to_thread(service.restart)
        await stage.until(lambda: stage.serves(shop.key))
        calls = stage.calls("documents", shop.key)
        answer = await stage.read_at_last(request)
        assert answer.document is not None, (seen, answer)
        assert await shop.objects.get(original(answer).key) == data
        # What was kept is not fetched again, what was read is not read again.
        assert await stage.fetches() == (0 if _done(seen, "fetch", 2, when) else 1), seen
        read = stage.calls("documents", shop.key) - calls
        assert read == (0 if _done(seen, "read", 1, when) else 1), seen
        assert await stage.read(request) == answer
    assert seen.count("fetch") == 1, seen
    assert seen.count("read") == 1, seen
    assert len(seen) == STEPS - 1, seen
    assert len(await shop.objects.list("inbound")) == STEPS


def _done(seen: list[str], what: str, calls_after: int, when: str) -> bool:
    """Whether the calls that keep the fruit of a step were over when it died: so many after the step."""
    if what not in seen:
        return False
    after = len(seen) - 1 - seen.index(what)
    return after > calls_after if when == "before" else after >= calls_after
