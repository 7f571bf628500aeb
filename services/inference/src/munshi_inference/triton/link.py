"""One model of a Triton server over gRPC: rows in, rows out, and its failures as the house's errors."""

import asyncio
import itertools
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio
from tritonclient.grpc import service_pb2 as messages
from tritonclient.grpc import service_pb2_grpc as services

from munshi.errors import Retryable
from munshi_inference.triton.wire import REQUEST, RESULT

Tensors = Mapping[str, Sequence[bytes]]
"""Rows by the name of their tensor."""
_LARGEST = 64 * 2**20
"""Bytes of one gRPC message; a file of more than a megabyte should go by path or URL."""
_OPTIONS = [
    ("grpc.max_send_message_length", _LARGEST),
    ("grpc.max_receive_message_length", _LARGEST),
    # A connection of its own: a text never queues behind a picture's bytes.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_ALIVE_SECONDS = 1.0
"""While a request takes long the server is asked this often whether it lives; it has twice as long to say."""
_BUSY = ("exceeds maximum queue size", "request timeout expired")
"""How Triton words its queue policy; both come as UNAVAILABLE, which is 503 of HTTP."""


class Away(Retryable):
    """The server or the model is not there, hangs or died. `connection`: nothing else would go through."""

    def __init__(self, message: str, *, connection: bool = False) -> None:
        super().__init__(message)
        self.connection = connection


class Busy(Retryable):
    """The server lives and has too much to do."""


def packed(rows: Iterable[bytes]) -> bytes:
    """A tensor of strings as Triton takes it: each with its length before it."""
    return b"".join(itertools.chain.from_iterable((struct.pack("<I", len(row)), row) for row in rows))


def unpacked(raw: bytes) -> list[bytes]:
    """The rows of such a tensor."""
    rows, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        rows.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    return rows


def says_busy(words: str) -> bool:
    """Whether that is how Triton says that its queue is full, or that a request stood in it for too long."""
    return any(known in words.lower() for known in _BUSY)


class Link:
    """Connects at the first request, in the event loop that asks."""

    def __init__(self, url: str, model: str) -> None:
        self.model = model
        self._url = url
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stub: Any = None

    async def ask(self, tensors: Tensors, seconds: float) -> list[bytes]:
        """A row of results for each row of `REQUEST`. Cancelling it cancels the request on the server.

        Raises:
            Busy: the server's queue is full, or the request stood in it for too long.
            Away: no answer came within `seconds`, or none can come.
        """
        call = self._connected().ModelInfer(self._request(tensors, seconds), timeout=seconds)
        try:
            response = await (call if seconds <= _ALIVE_SECONDS else self._watched(call))
        except grpc.aio.AioRpcError as error:
            raise _translated(self.model, error) from None
        rows = unpacked(response.raw_output_contents[0]) if response.raw_output_contents else []
        if len(rows) != len(tensors[REQUEST]):
            raise Away(f"{self.model}: {len(rows)} results for {len(tensors[REQUEST])} requests")
        return rows

    async def works(self, seconds: float) -> bool:
        """Whether the model answers: an empty request, which it answers with an error as data."""
        tensors = {name: [b""] for name in await self._inputs(seconds)}
        try:
            return bool(tensors) and bool(await self.ask(tensors, seconds))
        except Busy:
            return True
        except Away:
            return False

    async def close(self) -> None:
        """Ends the connection."""
        if self._channel is not None and self._loop is asyncio.get_running_loop():
            await self._channel.close()
        self._channel = None

    def _connected(self) -> Any:
        loop = asyncio.get_running_loop()
        if self._channel is None or self._loop is not loop:
            self._loop = loop
            self._channel = grpc.aio.insecure_channel(self._url, options=_OPTIONS)
            self._stub = services.GRPCInferenceServiceStub(self._channel)
        return self._stub

    def _request(self, tensors: Tensors, seconds: float) -> Any:
        request = messages.ModelInferRequest(model_name=self.model)
        for name, rows in tensors.items():
            request.inputs.add(name=name, datatype="BYTES", shape=[len(rows), 1])
            request.raw_input_contents.append(packed(rows))
        request.outputs.add(name=RESULT)
        # The longest time in the server's queue, microseconds.
        request.parameters["timeout"].int64_param = int(seconds * 1e6)
        return request

    async def _watched(self, call: Any) -> Any:
        """The end of a long call, unless the server stops answering before."""
        ending = asyncio.ensure_future(_ended(call))
        try:
            while not (await asyncio.wait({ending}, timeout=_ALIVE_SECONDS))[0]:
                await self._stub.ServerLive(messages.ServerLiveRequest(), timeout=2 * _ALIVE_SECONDS)
            return ending.result()
        finally:
            call.cancel()
            ending.cancel()

    async def _inputs(self, seconds: float) -> list[str]:
        ask = messages.ModelMetadataRequest(name=self.model)
        try:
            metadata = await self._connected().ModelMetadata(ask, timeout=seconds)
        except grpc.aio.AioRpcError:
            return []
        return [tensor.name for tensor in metadata.inputs]


async def _ended(call: Any) -> Any:
    return await call


def _translated(model: str, error: grpc.aio.AioRpcError) -> Retryable:
    detail = error.details() or ""
    if error.code() is grpc.StatusCode.UNAVAILABLE and says_busy(detail):
        return Busy(f"{model}: busy", delay=0.5)
    lost = error.code() is grpc.StatusCode.UNAVAILABLE and "unknown model" not in detail.lower()
    # The vendor's words may hold what was asked: only the code goes on.
    return Away(f"{model}: {error.code().name}", connection=lost)
