"""The routes beside the hot path: is it alive, may it take traffic, what does it count."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from time import monotonic

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from munshi.tenants import TenantDirectory
from munshi_ingress.lines import Lines
from munshi_ingress.metrics import Metrics
from munshi_ingress.webhooks import Webhooks

_TICK_SECONDS = 0.5
_STALE_SECONDS = 10.0
"""A loop that did not come round for so long makes no progress; a batch of 1,000 takes some 20 ms."""


class Pulse:
    """Shows that the event loop comes round, and how late."""

    def __init__(self) -> None:
        self._last = monotonic()
        self.lag = 0.0
        """Seconds by which the last tick came late."""

    @property
    def fresh(self) -> bool:
        """Whether the loop came round lately."""
        return monotonic() - self._last < _STALE_SECONDS

    async def run(self) -> None:
        """Ticks for ever."""
        while True:
            self._last = monotonic()
            await asyncio.sleep(_TICK_SECONDS)
            self.lag = max(0.0, monotonic() - self._last - _TICK_SECONDS)


def make_health(webhooks: Webhooks, lines: Lines, directory: TenantDirectory, metrics: Metrics) -> FastAPI:
    """The app of these routes. Its lifespan opens and closes the cells' lines."""
    pulse = Pulse()
    registry = make_registry(webhooks, lines, directory, metrics, pulse)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        ticking = asyncio.create_task(pulse.run(), name="pulse")
        lines.start()
        try:
            yield
        finally:
            ticking.cancel()
            await lines.stop()

    app = FastAPI(title="Munshi ingress", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """200 while the loop comes round and the cells are minded."""
        alive = pulse.fresh and lines.alive
        return JSONResponse({"alive": alive, "lag_seconds": pulse.lag}, 200 if alive else 500)

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 when a registry is known and its bus connected, and no stop was asked for."""
        ready = lines.ready and not webhooks.draining
        state = {
            "ready": ready,
            "draining": webhooks.draining,
            "cells": {name: line.connection.up for name, line in lines.open.items()},
            "tenants": len(directory),
        }
        return JSONResponse(state, 200 if ready else 503)

    @app.get("/served/{tenant}")
    async def served(tenant: str) -> JSONResponse:
        """Which generation of a tenant's settings holds here."""
        known = directory.get(tenant)
        return JSONResponse({"generation": known.generation if known else None}, 200 if known else 404)

    @app.get("/metrics")
    async def scrape() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def make_registry(
    webhooks: Webhooks, lines: Lines, directory: TenantDirectory, metrics: Metrics, pulse: Pulse
) -> CollectorRegistry:
    """All that is scraped."""
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "requests_in_flight": ("Webhooks in work", lambda: webhooks.admission.requests),
        "waiting_bytes": ("Bodies in work, in bytes", lambda: webhooks.admission.waiting_bytes),
        "waiting_events": ("Events that wait for the bus", lambda: lines.waiting_events),
        "tenants": ("Tenants known", lambda: len(directory)),
        "cells_connected": ("Cells whose bus is connected", lambda: lines.up),
        "loop_lag_seconds": ("How late the event loop's last tick was", lambda: pulse.lag),
    }
    metrics.gauges.update(gauges)
    registry = CollectorRegistry()
    registry.register(metrics)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
