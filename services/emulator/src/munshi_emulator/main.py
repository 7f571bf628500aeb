"""The process: settings, logs, server, end."""

import asyncio
import signal
import socket
import sys

import structlog
import uvicorn
import uvloop

from munshi import telemetry

from .app import create_app, stop_streams
from .connection import BreakableProtocol
from .settings import Settings


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
    app = create_app(settings)
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
    listener = config_socket(settings)
    port = listener.getsockname()[1]
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / "port").write_text(str(port))
    structlog.get_logger().info("listening", host=settings.host, port=port)
    server = Server(config)
    await server.serve(sockets=[listener])


def config_socket(settings: Settings) -> socket.socket:
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
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except OSError as error:
        structlog.get_logger().error("cannot start", reason=str(error), port=settings.port)
        sys.exit(1)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
