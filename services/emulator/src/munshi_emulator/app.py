"""Composition: the routes of the Graph API, of the control API and of the page, over one world."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import APIRouter, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from munshi_emulator.answers import json_answer
from munshi_emulator.browsers import Assets, SameSite
from munshi_emulator.control import chats, events, messages, numbers, persons, rig
from munshi_emulator.errors import GraphError
from munshi_emulator.graph import media as graph_media
from munshi_emulator.graph import objects
from munshi_emulator.world import World

from .graph.messages import post_message

PAGE = Path(__file__).parent / "page"
_VERSION = "/{version:graph_version}"


class GraphVersion(StringConvertor):
    """`v25.0` and the like, so that a mistyped path of ours is a 404 and no question for a token."""

    regex = r"v\d+\.\d+"


register_url_convertor("graph_version", GraphVersion())

GRAPH_ROUTES = [
    Route(f"{_VERSION}/{{number_id}}/messages", post_message, methods=["POST"]),
    Route(f"{_VERSION}/{{number_id}}/media", graph_media.upload, methods=["POST"]),
    Route("/whatsapp_business/attachments/", graph_media.fetch, methods=["GET"]),
    Route(
        f"{_VERSION}/{{object_id}}/subscribed_apps",
        objects.subscribed_apps,
        methods=["GET", "POST", "DELETE"],
    ),
    Route(f"{_VERSION}/{{object_id}}/phone_numbers", objects.phone_numbers, methods=["GET"]),
    Route(f"{_VERSION}/{{object_id}}/message_templates", objects.message_templates, methods=["GET"]),
    Route(f"{_VERSION}/{{object_id}}", objects.get_object, methods=["GET"]),
    Route(f"{_VERSION}/{{object_id}}", objects.delete_object, methods=["DELETE"]),
]


def create_app(world: World) -> FastAPI:
    """The ASGI application over an opened world, which it closes at its end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await world.deliveries.start()
        world.ready = True
        structlog.get_logger().info(
            "ready", numbers=len(world.directory.numbers), waiting=world.deliveries.waiting()
        )
        try:
            yield
        finally:
            world.ready = False
            stop_streams(world)
            await world.deliveries.stop()
            world.store.close()

    app = FastAPI(
        title="Munshi emulator",
        description="Control API of the stand-in for Meta's Graph API.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/control/openapi.json",
    )
    app.state.world = world
    control = APIRouter(prefix="/control")
    for part in (numbers, persons, messages, chats, events, rig):
        control.include_router(part.router)
    for route in reversed(GRAPH_ROUTES[:1]):
        app.router.routes.insert(0, route)
    app.include_router(control)
    app.router.routes += [
        Route("/", page, methods=["GET"]),
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
    app.mount("/page", Assets(directory=PAGE), name="page")
    app.add_middleware(SameSite)
    app.add_exception_handler(sqlite3.Error, not_kept)
    app.router.routes += GRAPH_ROUTES[1:]
    return app


def stop_streams(world: World) -> None:
    """End the long polls and event streams, or the server would wait for them."""
    world.stopping = True
    world.store.wake()


async def not_kept(request: Request, error: Exception) -> Response:
    """Nothing of the call was kept, most likely for want of room: says so, that it is tried again."""
    structlog.get_logger().error("not_kept", reason=str(error))
    if request.url.path.startswith("/control"):
        return json_answer({"detail": f"the emulator cannot write to its folder ({error}); make room"}, 507)
    refusal = GraphError(131016, "The service cannot keep anything at the moment")
    return json_answer(refusal.body(), refusal.http_status())


async def page(_request: Request) -> Response:
    """The phone-like page."""
    return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


async def healthz(_request: Request) -> Response:
    """Alive: the loop turns."""
    return PlainTextResponse("ok")


async def readyz(request: Request) -> Response:
    """May take traffic."""
    world: World = request.app.state.world
    return json_answer({"ready": world.ready}, 200 if world.ready else 503)


async def metrics(request: Request) -> Response:
    """Prometheus text."""
    world: World = request.app.state.world
    world.metrics.waiting.set(world.deliveries.waiting())
    return Response(generate_latest(world.metrics.registry), media_type=CONTENT_TYPE_LATEST)
