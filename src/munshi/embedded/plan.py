"""Which processes a platform has, on which ports, with which settings. Pure but for one look at the ports."""

import contextlib
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from munshi.embedded.data_folder import DataFolder
from munshi.embedded.processes import ProcessSpec
from munshi.errors import UserMistake

PORTS = 8
LAST_BASE = 65535 - PORTS + 1
STOP_ORDER = ("ingress", "orchestrator", "media", "emulator", "nats", "postgres")
"""What takes work in ends first, what keeps it last."""
SERVICES = ("ingress", "orchestrator", "media", "emulator", "nats", "postgres", "supervisor")
"""Names under which logs are kept."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All counted up from one."""

    base: int

    @property
    def ingress(self) -> int:
        """Webhooks."""
        return self.base

    @property
    def emulator(self) -> int:
        """Page, Graph API, control API."""
        return self.base + 1

    @property
    def console(self) -> int:
        """Kept free for the console."""
        return self.base + 2

    @property
    def orchestrator(self) -> int:
        """Health and metrics."""
        return self.base + 3

    @property
    def postgres(self) -> int:
        """Database."""
        return self.base + 4

    @property
    def nats(self) -> int:
        """Bus."""
        return self.base + 5

    @property
    def nats_monitoring(self) -> int:
        """The bus server's own page."""
        return self.base + 6

    @property
    def media(self) -> int:
        """Health, metrics, engines, signed URLs."""
        return self.base + 7

    def named(self) -> dict[str, int]:
        """All that are listened on."""
        return {
            "ingress": self.ingress,
            "emulator": self.emulator,
            "orchestrator": self.orchestrator,
            "media": self.media,
            "postgres": self.postgres,
            "nats": self.nats,
            "nats monitoring": self.nats_monitoring,
        }


def url(port: int) -> str:
    """Loopback address of a port."""
    return f"http://127.0.0.1:{port}"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `munshi up` was told. Paths are absolute."""

    data: DataFolder
    port: int = 8000
    tenants: Path | None = None
    tenants_asked_for: bool = False
    """Named on the command line: its files win over what was applied or deleted since."""
    graph_url: str | None = None
    database_url: str | None = None
    nats_url: str | None = None

    @property
    def ports(self) -> Ports:
        """Counted up from `port`."""
        return Ports(self.port)

    def used_ports(self) -> dict[str, int]:
        """Those that will be listened on: nothing for servers that are there already."""
        ports = self.ports.named()
        if self.graph_url:
            ports.pop("emulator")
        if self.database_url:
            ports.pop("postgres")
        if self.nats_url:
            ports.pop("nats")
            ports.pop("nats monitoring")
        return ports


def service_spec(
    options: UpOptions, name: str, environment: Mapping[str, str], module: str | None = None
) -> ProcessSpec:
    """How to start one of the services."""
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-P", "-m", module or f"munshi_{name}"),
        log=options.data.logs / f"{name}.log",
        environment={"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "", **environment},
        stop_seconds=25.0,
    )


def emulator_spec(options: UpOptions) -> ProcessSpec:
    """The stand-in for Meta."""
    return service_spec(
        options,
        "emulator",
        {
            "MUNSHI_EMULATOR_PORT": str(options.ports.emulator),
            "MUNSHI_EMULATOR_DATA_DIR": str(options.data.emulator),
        },
    )


def ingress_spec(options: UpOptions) -> ProcessSpec:
    """Takes webhooks."""
    environment = {
        "MUNSHI_PORT": str(options.ports.ingress),
        "MUNSHI_CELLS_DIR": str(options.data.cells),
        "MUNSHI_DRAIN_SECONDS": "0",  # nobody stands before it who must first be told
    }
    return service_spec(options, "ingress", environment)


def orchestrator_spec(options: UpOptions) -> ProcessSpec:
    """Works out turns and sends."""
    return service_spec(
        options,
        "orchestrator",
        {
            "MUNSHI_PORT": str(options.ports.orchestrator),
            "MUNSHI_CELLS_DIR": str(options.data.cells),
            "MUNSHI_GRAPH_URL": options.graph_url or url(options.ports.emulator),
        },
    )


def media_spec(options: UpOptions) -> ProcessSpec:
    """Fetches, keeps and reads what customers send."""
    return service_spec(
        options,
        "media",
        {
            "MUNSHI_PORT": str(options.ports.media),
            "MUNSHI_CELLS_DIR": str(options.data.cells),
            "MUNSHI_GRAPH_URL": options.graph_url or url(options.ports.emulator),
            "MUNSHI_SPOOL_DIR": str(options.data.spool),
        },
    )


def taken_port(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def refuse_taken_ports(options: UpOptions) -> None:
    """Stops where a port is not free.

    Raises:
        UserMistake: names the port, who has it where that can be seen, and what to do.
    """
    for name, port in options.used_ports().items():
        if taken_port(port):
            raise UserMistake(
                f"port {port} (for the {name}) is in use by {_holder(port)}; stop that program, or choose "
                f"other ports with --port N ({PORTS} in a row, counted up from N; now N is {options.port})"
            )


def _holder(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr[1:2] == (port,)
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"
