"""`/healthz`, `/readyz` and `/metrics` of the operator."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from munshi_operator.engine import Engine

_DEAF_TIMES = 2
"""One census may come in the moment between a change and its event."""
Check = Callable[[], str | None]
"""`None` where all is well, else what is wrong."""

_SILENT_SECONDS = 300.0
"""A watch gets a bookmark a minute and is made anew after 90 s of silence; beyond this it never heals."""


def alive(engine: Engine) -> str | None:
    """What is wrong with the process, that only a restart mends: no progress, or deaf watches.

    The API server being away is no such thing: then every pass fails and counts as progress all the same, and
    a watch that cannot be opened was tried.
    """
    limit = 2 * engine.settings.deadline_seconds
    if engine.queue.silent > limit:
        return f"no pass has ended for {engine.queue.silent:.0f} s, and {engine.queue.depth} wait"
    if engine.deaf >= _DEAF_TIMES:
        return "the watch of tenants tells nothing of what changes"
    deaf = [one.selection.kind.plural for one in engine.reflectors if one.tried_age > _SILENT_SECONDS]
    return f"nothing heard and nothing tried for {', '.join(deaf)}" if deaf else None


@contextlib.asynccontextmanager
async def serve_health(
    host: str, port: int, registry: CollectorRegistry, is_alive: Check, is_ready: Check
) -> AsyncIterator[int]:
    """Serves until the context ends; yields the port that was taken.

    Raises:
        OSError: the port is taken.
    """
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", _answers(is_alive)),
            web.get("/readyz", _answers(is_ready)),
            web.get("/metrics", _metrics(registry)),
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


def _metrics(registry: CollectorRegistry) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return handle
