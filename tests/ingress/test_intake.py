"""Signatures and bounds, without a socket."""

import asyncio
import hmac
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi_ingress.intake import Admission, Body, BusyError, HungUpError, TooLargeError
from munshi_ingress.signature import signed


def header(body: bytes, secret: bytes) -> bytes:
    return b"sha256=" + hmac.digest(secret, body, "sha256").hex().encode()


@given(
    body=st.binary(), secrets=st.lists(st.binary(min_size=1), min_size=1, max_size=3), pick=st.integers(0, 2)
)
def test_any_of_the_secrets_opens(body: bytes, secrets: list[bytes], pick: int) -> None:
    assert signed(body, header(body, secrets[pick % len(secrets)]), secrets)
    assert signed(body, header(body, secrets[0]).upper().replace(b"SHA256", b"sha256"), secrets)


@given(body=st.binary(), given=st.binary() | st.none(), secret=st.binary(min_size=1))
def test_nothing_else_opens(body: bytes, given: bytes | None, secret: bytes) -> None:
    assert signed(body, given, [secret]) is (given == header(body, secret))
    assert not signed(body, given, [])
    assert not signed(body, header(body, secret), [])


def receiver(*chunks: bytes, ends: bool = True) -> Any:
    messages = [
        {"type": "http.request", "body": chunk, "more_body": not ends or index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        if ends:
            return {"type": "http.disconnect"}
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    return receive


async def read(chunks: Sequence[bytes], announced: int = 0, limit: int = 10, room: int = 100) -> bytes:
    admission = Admission(10, room)
    admission.take(1)
    body = Body(receiver(*chunks), announced, admission, limit)
    try:
        return await body.read(1.0)
    finally:
        admission.free(body.taken)
        assert admission.waiting_bytes == 1


async def test_a_body_comes_in_one_piece_or_many() -> None:
    assert await read([b""]) == b""
    assert await read([b"0123456789"]) == b"0123456789"
    assert await read([b"01234", b"", b"56789"]) == b"0123456789"


async def test_too_large_is_seen_before_and_while_it_comes() -> None:
    for chunks, announced in (([b"x"], 11), ([b"x" * 11], 0), ([b"x" * 6, b"x" * 5], 5)):
        with pytest.raises(TooLargeError):
            await read(chunks, announced)


async def test_no_room_is_seen_while_it_comes_and_room_is_given_back() -> None:
    with pytest.raises(BusyError):
        await read([b"x" * 5, b"x" * 5], room=8)


async def test_a_lone_body_always_finds_room() -> None:
    body = Body(receiver(b"x" * 10), 0, Admission(1, 5), 10)
    assert await body.read(1.0) == b"x" * 10


async def test_who_hangs_up_or_dawdles_is_left() -> None:
    with pytest.raises(HungUpError):
        await Body(receiver(), 0, Admission(1, 100), 10).read(1.0)
    with pytest.raises(TimeoutError):
        await Body(receiver(b"x", ends=False), 0, Admission(1, 100), 10).read(0.01)


async def test_discarding_ends() -> None:
    await Body(receiver(b"x", ends=False), 0, Admission(1, 100), 10).discard(0.01, 100)
    await Body(receiver(b"x" * 60, b"x" * 60, b"x"), 0, Admission(1, 100), 10).discard(1.0, 100)
