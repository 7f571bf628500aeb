"""The HTTP server: uvicorn, with a stop that tells before it closes."""

import asyncio
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
import uvicorn

from munshi.errors import UserMistake
from munshi_ingress.settings import IngressSettings

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
"""Above the usual 60 s of load balancers, so that they close an idle connection and not we under them."""


class Server(uvicorn.Server):
    """Upon SIGTERM first drains: not ready, still serving, each answer closing its connection; then stops.

    A second signal stops at once.
    """

    def __init__(self, config: uvicorn.Config, drain_seconds: float, draining: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self._draining = draining
        self._asked = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by uvicorn for SIGINT and SIGTERM, between two steps of the loop.

        Not handed on to uvicorn, which would raise the signal again at the end: a stop that was asked for
        ends with exit status 0.
        """
        del sig, frame
        if self._asked or self._drain_seconds == 0 or not self.started:
            self.force_exit = self.should_exit
            self.should_exit = True
            return
        self._asked = True
        self._draining()
        structlog.get_logger().info("draining", seconds=self._drain_seconds)
        loop = asyncio.get_event_loop()
        loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, self._end)

    def _end(self) -> None:
        self.should_exit = True


def bind(settings: IngressSettings) -> socket.socket:
    """The listening socket.

    Raises:
        UserMistake: the address is taken or not ours.
    """
    try:
        return socket.create_server((settings.host, settings.port), backlog=_BACKLOG)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise UserMistake(
            f"cannot listen on {where}: {error.strerror}; free it or set MUNSHI_PORT"
        ) from error


def make_server(app: Any, settings: IngressSettings, draining: Callable[[], None]) -> Server:
    """The server of an app. Logging is ours, and nothing about the server is told to strangers."""
    config = uvicorn.Config(
        app,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(settings.stop_seconds)),
    )
    return Server(config, settings.drain_seconds, draining)
