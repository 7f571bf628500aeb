"""Breaking HTTP connections on purpose.

uvicorn gives an application no way to drop a connection, so the protocol below puts its transport into the
scope.
"""

import asyncio
import socket
import struct

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT = "munshi.transport"


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the transport within reach of the application."""

    def on_message_begin(self) -> None:
        """Called at the first byte of a request, before the scope is handed on."""
        super().on_message_begin()
        self.scope["state"] = {**self.scope.get("state", {}), TRANSPORT: self.transport}


class NoAnswer(Response):
    """A response that says nothing: the connection is gone."""

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Wait until the server has noticed."""
        while (await receive())["type"] != "http.disconnect":
            pass


def cut(request: Request, *, reset: bool = False) -> Response:
    """Close the connection without an answer; with `reset` the peer sees ECONNRESET."""
    transport: asyncio.Transport = request.scope["state"][TRANSPORT]
    if reset:
        peer: socket.socket | None = transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return NoAnswer()


async def never_answer(request: Request, seconds: float) -> Response:
    """Keep silent until the caller goes away, at most so long, then cut."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if await request.is_disconnected():
            return NoAnswer()
        await asyncio.sleep(0.05)
    return cut(request)
