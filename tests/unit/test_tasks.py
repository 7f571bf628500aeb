"""Tasks end, however often a library loses the word."""

import asyncio

import pytest

from munshi.tasks import end, firm


async def losing(times: int, ended: asyncio.Event) -> None:
    """Loses the first `times` cancellations, as a library does."""
    try:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if times == 0:
                    raise
                times -= 1
    finally:
        ended.set()


@pytest.mark.parametrize("times", [0, 1])
async def test_a_task_ends_though_its_cancellation_was_lost(times: int) -> None:
    ended = asyncio.Event()
    task = asyncio.create_task(losing(times, ended))
    await asyncio.sleep(0)
    await end(task)
    assert ended.is_set()
    assert task.cancelled()


async def test_one_that_failed_or_ended_by_itself_is_left_alone() -> None:
    async def fail() -> None:
        raise ValueError("of its own")

    failed = asyncio.create_task(fail())
    finished: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    finished.set_result(1)
    await asyncio.sleep(0)
    await end(failed, finished)
    assert finished.result() == 1


async def test_firm_raises_a_cancellation_that_was_lost() -> None:
    begun = asyncio.Event()

    async def library() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "an answer in the same moment"
        return "never"

    task = asyncio.create_task(firm(library()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_firm_gives_back_what_it_awaited() -> None:
    async def library() -> int:
        return 7

    assert await firm(library()) == 7
