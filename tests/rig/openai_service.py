"""A service that speaks OpenAI's protocol, on a port of its own, and answers as it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Service:
    """One running service."""

    url: str


@contextlib.asynccontextmanager
async def openai_service(path: str, answer: Answer) -> AsyncIterator[Service]:
    """Serves `POST /v1{path}` until the block ends."""
    app = Starlette(routes=[Route(f"/v1{path}", answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Service(url=f"http://127.0.0.1:{port}/v1")
    finally:
        server.should_exit = True
        await running
