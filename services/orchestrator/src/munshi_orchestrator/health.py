"""`/healthz`, `/readyz`, `/metrics` and `/served/{tenant}` of the orchestrator."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Check = Callable[[], str | None]
"""`None` where all is well, else what is wrong."""
Served = Callable[[str], int | None]
"""The generation of a tenant that is worked for, by its key."""


@contextlib.asynccontextmanager
async def serve_health(
    host: str, port: int, registry: CollectorRegistry, checks: tuple[Check, Check], served: Served
) -> AsyncIterator[int]:
    """Serves until the context ends; yields the port that was taken. `checks`: alive, ready.

    Raises:
        OSError: the port is taken.
    """
    app, (alive, ready) = web.Application(), checks
    app.add_routes(
        [
            web.get("/healthz", _answers(alive)),
            web.get("/readyz", _answers(ready)),
            web.get("/metrics", _metrics(registry)),
            web.get("/served/{tenant}", _served(served)),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answers(check: Check) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        wrong = check()
        return web.json_response({"status": wrong or "ok"}, status=503 if wrong else 200)

    return handle


def _served(generation_of: Served) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        generation = generation_of(request.match_info["tenant"])
        return web.json_response({"generation": generation}, status=404 if generation is None else 200)

    return handle


def _metrics(registry: CollectorRegistry) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return handle
