"""The model of texts on a Triton server over HTTP: rows in, rows out, and its failures as the house's errors.

To ask over gRPC's asyncio takes longer than to read a text; over this it does not (`bench/one_text.py`).
Files, which take seconds and may be given up meanwhile, go over gRPC: `link.py`.
"""

import asyncio
import struct
import time
from typing import NamedTuple, cast

import httptools
import orjson

from munshi_inference.triton.link import Away, Busy, Tensors, packed, says_busy, unpacked
from munshi_inference.triton.wire import REQUEST, RESULT

_AGE_SECONDS = 30.0
"""A connection is made anew after this, or a pod that is added behind a Service would have nothing to do."""
_JSON_SIZE = b"Inference-Header-Content-Length"
"""Header that says how much of a body is JSON; rows come after it, as Triton's extension of binary tensors
has it (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md)."""
_OK = 200


class _Answer(NamedTuple):
    status: int
    json_size: int
    body: bytes


class _Connection(asyncio.Protocol):
    """Carries one request after the other."""

    def __init__(self) -> None:
        self._renewed_at = time.monotonic() + _AGE_SECONDS
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[_Answer] | None = None
        self._ended = False
        self._json_size = 0
        self._body: list[bytes] = []

    @property
    def free(self) -> bool:
        """Whether another request may go."""
        return not self._ended and self._answer is None and time.monotonic() < self._renewed_at

    async def ask(self, request: bytes) -> _Answer:
        """The answer to a request. Raises ConnectionError: the server ended it."""
        if self._transport is None or self._ended:
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answer
        self._answer = None
        return answer

    def close(self) -> None:
        """Ends it; what is asked is given up."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 (asyncio gives it)
        """Of asyncio."""
        self._ended = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        """Of asyncio."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_message_begin(self) -> None:
        """Of the parser."""
        self._json_size, self._body = 0, []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the parser."""
        if name.lower() == _JSON_SIZE.lower() and value.isdigit():
            self._json_size = int(value)

    def on_body(self, body: bytes) -> None:
        """Of the parser."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Of the parser."""
        self._ended = self._ended or not self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            status = self._parser.get_status_code()
            self._answer.set_result(_Answer(status, self._json_size, b"".join(self._body)))


class TextLink:
    """Connects at the first request, in the event loop that asks; as many connections as requests at once."""

    def __init__(self, address: str, model: str) -> None:
        """`address`: host:port of Triton's HTTP."""
        self.model = model
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._line = f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: {address}\r\n".encode()
        self._idle: list[_Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def ask(self, tensors: Tensors, seconds: float) -> list[bytes]:
        """A row of results for each row of `REQUEST`. What is cancelled is not waited for.

        Raises:
            Busy: the server's queue is full, or the request stood in it for too long.
            Away: no answer came within `seconds`, or none can come.
        """
        try:
            async with asyncio.timeout(seconds):
                answer = await self._answered(self._request(tensors, seconds))
        except TimeoutError:
            raise Away(f"{self.model}: no answer in {seconds:g} s") from None
        except OSError as error:
            raise Away(f"{self.model}: {type(error).__name__}", connection=True) from None
        if answer.status != _OK:
            # The vendor's words may hold what was asked: only the status goes on.
            if says_busy(answer.body.decode(errors="replace")):
                raise Busy(f"{self.model}: busy", delay=0.5)
            raise Away(f"{self.model}: HTTP {answer.status}")
        try:
            rows = unpacked(answer.body[answer.json_size :]) if answer.json_size else []
        except struct.error:
            rows = []
        if len(rows) != len(tensors[REQUEST]):
            raise Away(f"{self.model}: {len(rows)} results for {len(tensors[REQUEST])} requests")
        return rows

    async def works(self, seconds: float) -> bool:
        """Whether the model answers: an empty text, which it answers with an error as data."""
        try:
            return bool(await self.ask({REQUEST: [b""]}, seconds))
        except Busy:
            return True
        except Away:
            return False

    async def close(self) -> None:
        """Ends the connections."""
        while self._idle:
            self._idle.pop().close()

    def _request(self, tensors: Tensors, seconds: float) -> bytes:
        packs = {name: packed(rows) for name, rows in tensors.items()}
        described = {
            # The longest time in the server's queue, microseconds.
            "parameters": {"timeout": int(seconds * 1e6)},
            "inputs": [
                {
                    "name": name,
                    "datatype": "BYTES",
                    "shape": [len(tensors[name]), 1],
                    "parameters": {"binary_data_size": len(pack)},
                }
                for name, pack in packs.items()
            ],
            "outputs": [{"name": RESULT, "parameters": {"binary_data": True}}],
        }
        head = orjson.dumps(described)
        body = b"".join((head, *packs.values()))
        sizes = b"%b: %d\r\nContent-Length: %d\r\n\r\n" % (_JSON_SIZE, len(head), len(body))
        return self._line + sizes + body

    async def _answered(self, request: bytes) -> _Answer:
        while True:
            kept = self._taken()
            connection = kept or await self._connected()
            try:
                answer = await connection.ask(request)
            except ConnectionError:
                if kept:
                    continue  # the server ended it while nothing was asked
                raise
            except BaseException:
                connection.close()
                raise
            if connection.free and answer.status == _OK:
                self._idle.append(connection)
            else:
                connection.close()  # behind a Service the next leads to another pod, perhaps
            return answer

    def _taken(self) -> _Connection | None:
        """One that was kept, the newest first."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._idle.clear()
        while self._idle:
            connection = self._idle.pop()
            if connection.free:
                return connection
            connection.close()
        return None

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host.strip("[]"), self._port)
        return connection
