"""The composition root of ingress: what there is, and how it hangs together."""

import asyncio
import gc
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import uvloop

from munshi.errors import UserMistake
from munshi.telemetry import configure
from munshi.tenants import TenantDirectory
from munshi_ingress.doors import PATH
from munshi_ingress.health import make_health
from munshi_ingress.lines import Lines
from munshi_ingress.metrics import Metrics
from munshi_ingress.server import bind, make_server
from munshi_ingress.settings import IngressSettings
from munshi_ingress.webhooks import Webhooks

_GC_THRESHOLD = 20_000
"""Objects between two collections. A webhook makes hardly any cycles, and the default of 700 collects after
every few webhooks; a batch of 1,000 makes about this many at once."""

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


def make_app(settings: IngressSettings) -> tuple[ASGIApp, Webhooks]:
    """The whole app, and its hot part."""
    directory = TenantDirectory()
    metrics = Metrics()
    lines = Lines(settings.cells_dir, directory, settings.ack_seconds, settings.max_waiting_events)
    webhooks = Webhooks(settings, directory, lines, metrics)
    return in_front(webhooks, make_health(webhooks, lines, directory, metrics)), webhooks


def in_front(webhooks: Webhooks, rest: ASGIApp) -> ASGIApp:
    """Webhooks go straight to the hot path; a framework's router would cost more than their work."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(PATH) and (len(path) == len(PATH) or path[len(PATH)] == "/"):
                await webhooks(scope, receive, send)
                return
        await rest(scope, receive, send)

    return app


async def serve(settings: IngressSettings, listening: socket.socket) -> None:
    """Serves until a signal asks to stop."""
    app, webhooks = make_app(settings)

    def draining() -> None:
        webhooks.draining = True

    host, port = listening.getsockname()[:2]
    structlog.get_logger().info("listening", host=host, port=port)
    await make_server(app, settings, draining).serve(sockets=[listening])


def run() -> None:
    """The program. Exit 0 after a stop, 1 when it cannot start."""
    settings = IngressSettings()
    configure("ingress", settings.log_level)
    try:
        listening = bind(settings)
    except UserMistake as error:
        structlog.get_logger().error("cannot_start", reason=str(error))
        sys.exit(1)
    # What was made at the start lives as long as the process: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, listening))
