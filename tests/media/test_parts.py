"""The parts that stand alone: fair shares, joined work, worker processes, what is declared."""

import asyncio
import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import deeds, files
from munshi.contracts.media import Refusal
from munshi.files.kinds import FileRefused
from munshi.files.sounds import speech_wav
from munshi.shares import FairShare
from munshi_media.fetch import hex_digest
from munshi_media.joining import Joining
from munshi_media.limits import MB, inbound_limit
from munshi_media.received import IN_MEMORY, Received
from munshi_media.watch import Pace, Watch
from munshi_media.workers import Workers
from rig.services import alive
from rig.waiting import eventually


async def test_places_go_round_the_tenants() -> None:
    share, order = FairShare(1), []
    hold = asyncio.Event()

    async def work(tenant: str, number: int) -> None:
        async with share.place(tenant):
            await hold.wait()
            order.append(f"{tenant}{number}")

    tasks = [asyncio.create_task(work("a", number)) for number in range(4)]
    tasks += [asyncio.create_task(work("b", number)) for number in range(2)]
    tasks.append(asyncio.create_task(work("c", 0)))
    await asyncio.sleep(0)
    assert share.waiting == 6
    hold.set()
    await asyncio.gather(*tasks)
    assert order == ["a0", "a1", "b0", "c0", "a2", "b1", "a3"]
    assert share.waiting == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=40), st.integers(1, 4))
def test_no_place_is_lost_whoever_leaves(arrivals: list[tuple[str, int]], places: int) -> None:
    """`3` stands for one that leaves while it waits, the others for how long it stays."""

    async def run() -> None:
        share, held, most = FairShare(places), 0, 0

        async def work(tenant: str, turns: int) -> None:
            nonlocal held, most
            async with share.place(tenant):
                held += 1
                most = max(most, held)
                try:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    held -= 1

        tasks = [asyncio.create_task(work(tenant, turns)) for tenant, turns in arrivals]
        await asyncio.sleep(0)
        for task, (_, turns) in zip(tasks, arrivals, strict=True):
            if turns == 3:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= places
        # All places are there again.
        async with asyncio.timeout(60):
            for number in range(places):
                await share.place(str(number)).__aenter__()
        assert share.waiting == 0

    asyncio.run(run())


async def test_joined_work_goes_on_when_who_began_it_leaves() -> None:
    joining: Joining[int] = Joining()
    begun, go = 0, asyncio.Event()

    async def work(_: Watch) -> int:
        nonlocal begun
        begun += 1
        await go.wait()
        return begun

    first = asyncio.create_task(joining("key", Watch(), work))
    second = asyncio.create_task(joining("key", Watch(), work))
    other = asyncio.create_task(joining("other", Watch(), work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await second == 2
    assert await other == 2
    assert begun == 2
    assert await joining("key", Watch(), work) == 3, "what is over is begun anew"


async def test_a_worker_that_hangs_or_dies_is_replaced() -> None:
    workers = Workers(1, 120.0)
    try:
        well = await workers.run(deeds.sleeps, 0.0)
        with pytest.raises(FileRefused) as refused:
            await workers.run(deeds.refuses)
        assert refused.value.refusal is Refusal.TOO_MANY_PAGES
        assert await workers.run(deeds.sleeps, 0.0) == well, "a refusal ends no process"
        with pytest.raises(FileRefused) as killed:
            await workers.run(deeds.dies)
        assert killed.value.refusal is Refusal.MALFORMED
        assert await workers.run(deeds.sleeps, 0.0) != well
    finally:
        workers.close()
    hanging = Workers(1, 1.5)
    try:
        with pytest.raises(FileRefused):
            await hanging.run(deeds.sleeps, 60.0)
    finally:
        hanging.close()
    await eventually(lambda: not alive(well), "it is gone")


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_came_is_in_memory_or_in_a_file_and_gone_at_the_end(tmp_path: Path) -> None:
    with Received(tmp_path) as received:
        await received.add(b"x" * IN_MEMORY)
        assert received.content == b"x" * IN_MEMORY
        assert names(tmp_path) == []
        await received.add(b"y")
        content = received.content
        assert isinstance(content, Path)
        assert content.read_bytes() == b"x" * IN_MEMORY + b"y"
        received.clear()
        assert (received.size, names(tmp_path)) == (0, [])
        await received.add(b"again")
        assert received.content == b"again"
    assert names(tmp_path) == []


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_is_read_as_hex_and_as_base64(digest: bytes) -> None:
    assert hex_digest(digest.hex()) == hex_digest(base64.b64encode(digest).decode()) == digest.hex()


@pytest.mark.parametrize("text", [None, "", "abc", "!" * 44, base64.b64encode(b"short").decode()])
def test_what_is_no_hash_counts_as_none(text: str | None) -> None:
    assert hex_digest(text) is None


def test_the_smaller_of_metas_limit_and_the_tenants_holds() -> None:
    assert inbound_limit("image", 10) == 5 * MB
    assert inbound_limit("document", 10) == 10 * MB
    assert inbound_limit("audio", 1) == MB
    assert inbound_limit("video", 1) == 16 * MB
    assert inbound_limit("something-new", 10) == 10 * MB


def test_a_pace_learns() -> None:
    pace = Pace(1.0)
    for _ in range(40):
        pace.learn(6.0, 2.0)
    assert pace.expect(10) == pytest.approx(30, rel=0.01)


def test_aac_without_ffmpeg_names_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileRefused) as refused:
        speech_wav(b"\xff\xf1" + bytes(100), "audio/aac", tmp_path / "x.wav", 10)
    assert refused.value.refusal is Refusal.NO_ENGINE
    assert "install" in str(refused.value)


def test_a_sound_that_lies_about_its_length_is_cut_off(tmp_path: Path) -> None:
    wav = bytearray(files.sound(3.0, 16_000, form="WAV", subtype="PCM_16"))
    with pytest.raises(FileRefused) as refused:
        speech_wav(bytes(wav), "audio/wav", tmp_path / "x.wav", 2.0)
    assert refused.value.refusal is Refusal.TOO_LONG
    assert speech_wav(bytes(wav), "audio/wav", tmp_path / "x.wav", 3.0) == pytest.approx(3.0)
