"""Group commit: what many ask for at once is written together."""

import asyncio
from collections.abc import Sequence

import pytest

from munshi.errors import Permanent, Retryable
from munshi_orchestrator.batching import Batcher


async def test_what_comes_while_a_batch_is_written_goes_together_and_each_gets_its_answer() -> None:
    batches: list[list[int]] = []

    async def write(pieces: Sequence[int]) -> list[int]:
        batches.append(list(pieces))
        await asyncio.sleep(0)
        return [piece * 10 for piece in pieces]

    batcher = Batcher(write)
    answers = await asyncio.gather(*(batcher.add(piece) for piece in range(50)))
    assert answers == [piece * 10 for piece in range(50)]
    assert [piece for batch in batches for piece in batch] == list(range(50))
    assert len(batches) <= 2


async def test_a_passing_error_is_tried_again() -> None:
    tries = 0

    async def write(pieces: Sequence[int]) -> Sequence[int]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Retryable("away", delay=0.0)
        return pieces

    assert await Batcher(write).add(7) == 7
    assert tries == 2


async def test_a_passing_error_is_told_to_all_of_a_batch_that_is_not_tried_again() -> None:
    away = [True]

    async def read(pieces: Sequence[int]) -> Sequence[int]:
        if away[0]:
            raise Retryable("away")
        return pieces

    batcher = Batcher(read, again=False)
    answers = await asyncio.gather(*(batcher.add(piece) for piece in range(3)), return_exceptions=True)
    assert all(isinstance(answer, Retryable) for answer in answers)
    away[0] = False
    assert await batcher.add(7) == 7


async def test_a_final_error_is_told_to_the_piece_that_causes_it_only() -> None:
    async def write(pieces: Sequence[int]) -> Sequence[int]:
        if 3 in pieces:
            raise Permanent("no three")
        return pieces

    batcher = Batcher(write)
    answers = await asyncio.gather(*(batcher.add(piece) for piece in range(6)), return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [0, 1, 2, 4, 5]
    assert isinstance(answers[3], Permanent)


async def test_a_defect_is_told_and_the_batcher_lives_on() -> None:
    broken = [True]

    async def write(pieces: Sequence[int]) -> Sequence[int]:
        if broken.pop() if broken else False:
            raise ZeroDivisionError
        return pieces

    batcher = Batcher(write)
    with pytest.raises(ZeroDivisionError):
        await batcher.add(1)
    assert await batcher.add(2) == 2
