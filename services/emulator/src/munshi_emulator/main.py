"""The process: settings, logs, server, end."""

import asyncio
import signal
import socket
import sys

import structlog
import uvicorn
import uvloop

from munshi import telemetry
from munshi_emulator.app import create_app, stop_streams
from munshi_emulator.connection import BreakableProtocol
from munshi_emulator.settings import Settings
from munshi_emulator.store import StoreOfNewerVersionError
from munshi_emulator.world import build


class Server(uvicorn.Server):
    """uvicorn that ends the event streams first, or it would wait for their readers."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wake long polls and streams, then shut down as usual."""
        world = getattr(self.config.app.state, "world", None)  # type: ignore[union-attr]  # a FastAPI app
        if world is not None:
            stop_streams(world)
        await super().shutdown(sockets)


async def serve(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT."""
    world = build(settings)
    app = create_app(world)
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        loop="none",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=int(settings.stop_seconds),
        timeout_keep_alive=30,
        backlog=2048,
    )
    listener = listening_socket(settings)
    port = listener.getsockname()[1]
    (settings.data_dir / "port").write_text(str(port))
    structlog.get_logger().info("listening", host=settings.host, port=port)
    server = Server(config)
    await server.serve(sockets=[listener])


def listening_socket(settings: Settings) -> socket.socket:
    """A listening socket. Raises OSError if the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.set_inheritable(False)
    return listener


def main() -> None:
    """Entry point: exit 0 after a clean stop, 1 if it could not start."""
    telemetry.configure("emulator")
    settings = Settings()
    # uvicorn stops at these signals and then raises them again; a stop that went well ends with 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except (OSError, StoreOfNewerVersionError) as error:
        structlog.get_logger().error("cannot start", reason=str(error), port=settings.port)
        sys.exit(1)
