"""Texts over HTTP: connections that are kept, ended by the server, given up; answers that are none."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from munshi.contracts.understanding import Request, Understanding
from munshi_inference.triton.link import Away, Busy, packed
from munshi_inference.triton.text_link import TextLink
from munshi_inference.triton.wire import REQUEST, Answer
from rig.triton import TritonServer, repository_with

pytestmark = pytest.mark.xdist_group("triton")
SLOW_TEXTS = """
import time
from munshi_inference.triton.serving import Understanding


class TritonPythonModel(Understanding):
    def results(self, tensors):
        time.sleep(0.05)
        return super().results(tensors)
"""

Reply = Callable[[list[bytes]], bytes]


def rows_of(found: list[bytes], *headers: str, json: bytes = b"{}") -> bytes:
    """An answer as Triton gives it."""
    body = json + packed(found)
    head = [f"Content-Length: {len(body)}", f"inference-header-content-length: {len(json)}", *headers]
    return b"HTTP/1.1 200 OK\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Scripted:
    """A server that answers each request with the next of its replies, and gives the rows back after them."""

    replies: list[bytes | Awaitable[bytes]] = field(default_factory=list)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Heads of requests."""
    listening: asyncio.Server | None = None

    async def start(self) -> str:
        """Begins to listen; its address."""
        self.listening = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self.listening.sockets[0].getsockname()[1]}"

    def end(self) -> None:
        """Ends at once, with all connections."""
        if self.listening is not None:
            self.listening.close()
        for writer in self.connections:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(head)
                sizes = dict(re.findall(r"(\S*)Content-Length: (\d+)", head))
                body = await reader.readexactly(int(sizes[""]))
                row = body[int(sizes["Inference-Header-"]) + 4 :]
                reply = self.replies.pop(0) if self.replies else rows_of([row])
                writer.write(reply if isinstance(reply, bytes) else await reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def scripted(*replies: bytes | Awaitable[bytes]) -> AsyncIterator[tuple[Scripted, TextLink]]:
    server = Scripted(list(replies))
    link = TextLink(await server.start(), "ledger_nlu")
    try:
        yield server, link
    finally:
        await link.close()
        server.end()


async def ask(link: TextLink, row: bytes = b"one", seconds: float = 30.0) -> list[bytes]:
    return await link.ask({REQUEST: [row]}, seconds)


async def test_one_connection_carries_what_comes_one_after_the_other() -> None:
    async with scripted() as (server, link):
        assert [await ask(link, row) for row in (b"one", b"two")] == [[b"one"], [b"two"]]
        assert len(server.connections) == 1
        assert server.asked[0].startswith("POST /v2/models/ledger_nlu/infer HTTP/1.1\r\n")
        both = await asyncio.gather(ask(link, b"three"), ask(link, b"four"))
        assert list(both) == [[b"three"], [b"four"]]
        assert len(server.connections) == 2


async def test_a_connection_that_the_server_ended_costs_nothing() -> None:
    async with scripted() as (server, link):
        await ask(link)
        server.connections[0].transport.abort()
        assert await ask(link, b"two") == [b"two"]
        assert len(server.connections) == 2


async def test_a_server_may_end_a_connection_with_its_answer() -> None:
    async with scripted(rows_of([b"last"], "Connection: close")) as (server, link):
        assert await ask(link) == [b"last"]
        assert await ask(link, b"two") == [b"two"]
        assert len(server.connections) == 2


async def test_who_refuses_is_left_for_another_that_may_stand_behind_the_address() -> None:
    stopping = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nstopping"
    async with scripted(stopping) as (server, link):
        with pytest.raises(Away, match="HTTP 503"):
            await ask(link)
        assert await ask(link, b"two") == [b"two"]
        assert len(server.connections) == 2


async def test_connections_are_made_anew_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("munshi_inference.triton.text_link._AGE_SECONDS", 0.0)
    async with scripted() as (server, link):
        await ask(link)
        await ask(link)
        assert len(server.connections) == 2


async def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    late = asyncio.Event()

    async def after() -> bytes:
        await late.wait()
        return rows_of([b"late"])

    async with scripted(after(), after()) as (server, link):
        with pytest.raises(Away, match=r"no answer in 0\.05 s") as away:
            await ask(link, seconds=0.05)
        assert not away.value.connection
        given_up = asyncio.create_task(ask(link))
        while len(server.asked) < 2:
            await asyncio.sleep(0.01)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        late.set()
        assert await ask(link, b"mine") == [b"mine"]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "ConnectionResetError"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 13\r\n\r\nRamesh ko 500", "HTTP 400"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "0 results for 1 requests"),
        (rows_of([b"one", b"two"]), "2 results for 1 requests"),
        (rows_of([], json=b"x" * 9)[:-9] + b"x" * 9, "0 results for 1 requests"),
    ],
)
async def test_what_is_no_answer_is_said_without_a_word_of_it(reply: bytes, told: str) -> None:
    async with scripted(reply) as (_, link):
        with pytest.raises(Away, match=told) as away:
            await ask(link)
        assert "Ramesh" not in str(away.value)
        assert await ask(link, b"two") == [b"two"]


async def test_a_server_that_dies_with_a_request_in_hand_is_away() -> None:
    async with scripted() as (server, link):

        async def dies() -> bytes:
            server.end()
            return b""

        await ask(link)
        server.replies.append(dies())
        with pytest.raises(Away) as away:
            await ask(link)
        assert away.value.connection


async def test_a_full_queue_says_busy(tmp_path: Path) -> None:
    repository = repository_with(tmp_path / "models", {"ledger_nlu": SLOW_TEXTS})
    config = tmp_path / "models" / "ledger_nlu" / "config.pbtxt"
    config.write_text(config.read_text().replace("max_queue_size: 512", "max_queue_size: 4"))
    server = TritonServer(tmp_path / "server", "ledger_nlu", repository)
    link = TextLink(server.http, "ledger_nlu")
    row = Request(text="Ramesh ko 500 udhaar diya", today=date(2026, 11, 21)).model_dump_json().encode()
    full = [row] * 64
    try:
        server.start()
        assert await link.works(60.0)
        asked = (link.ask({REQUEST: full}, 60.0) for _ in range(30))
        ends = await asyncio.gather(*asked, return_exceptions=True)
        refused = [end for end in ends if isinstance(end, BaseException)]
        assert refused
        assert all(isinstance(end, Busy) for end in refused)
        (answer, *_) = next(end for end in ends if not isinstance(end, BaseException))
        assert Answer[Understanding].model_validate_json(answer).ok is not None
    finally:
        await link.close()
        server.kill()
