"""`/healthz`, `/readyz` and `/metrics` of a program that serves nothing else, and routes that several have.

Needs aiohttp, which such a program brings; the kernel itself does without.
"""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from munshi.contracts.media import EngineInfo

Check = Callable[[], str | None]
"""`None` where all is well, else what is wrong."""


@contextlib.asynccontextmanager
async def serve_probes(
    host: str,
    port: int,
    registry: CollectorRegistry,
    alive: Check,
    ready: Check,
    more: Iterable[web.RouteDef] = (),
) -> AsyncIterator[int]:
    """Serves until the context ends; yields the port that was taken. `more`: routes of the program's own.

    Raises:
        OSError: the port is taken.
    """
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", _answers(alive)),
            web.get("/readyz", _answers(ready)),
            web.get("/metrics", _metrics(registry)),
            *more,
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


def engines_route(told: Callable[[], Awaitable[Iterable[EngineInfo]]]) -> web.RouteDef:
    """`/engines`: which engines a program has, as a JSON list of `EngineInfo`."""

    async def handle(_: web.Request) -> web.Response:
        return web.json_response([dataclasses.asdict(info) for info in await told()])

    return web.get("/engines", handle)


def served_route(generation_of: Callable[[str], int | None]) -> web.RouteDef:
    """`/served/{tenant}`: which generation of a tenant's settings a program works with, by the tenant's key;
    404 for one that it does not serve."""

    async def handle(request: web.Request) -> web.Response:
        generation = generation_of(request.match_info["tenant"])
        return web.json_response({"generation": generation}, status=404 if generation is None else 200)

    return web.get("/served/{tenant}", handle)


def _answers(check: Check) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        wrong = check()
        return web.json_response({"status": wrong or "ok"}, status=503 if wrong else 200)

    return handle


def _metrics(registry: CollectorRegistry) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return handle
