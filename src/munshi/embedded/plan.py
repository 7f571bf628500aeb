"""Which processes a platform has, on which ports, with which settings. Pure but for one look at the ports."""

import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from munshi.embedded.data_folder import DataFolder
from munshi.embedded.processes import ProcessSpec
from munshi.errors import UserMistake
from munshi.inference import InferenceSettings

PORTS = 11
LAST_BASE = 65535 - PORTS + 1
STOP_ORDER = ("ingress", "orchestrator", "media", "triton", "emulator", "nats", "postgres")
"""What takes work in ends first, what keeps it last."""
SERVICES = ("ingress", "orchestrator", "media", "triton", "emulator", "nats", "postgres", "supervisor")
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

    @property
    def triton(self) -> int:
        """Triton's gRPC."""
        return self.base + 8

    @property
    def triton_http(self) -> int:
        """Triton's HTTP: texts and health."""
        return self.base + 9

    @property
    def triton_metrics(self) -> int:
        """Triton's metrics."""
        return self.base + 10

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
            "triton": self.triton,
            "triton http": self.triton_http,
            "triton metrics": self.triton_metrics,
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
    triton: Path | None = None
    """Where `make engines` set Triton up; absent: engines run in process, or in a Triton that is there."""

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
        if not self.triton:
            ports = {name: port for name, port in ports.items() if not name.startswith("triton")}
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
            **triton_address(options),
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
            "MUNSHI_WARM_READERS": os.environ.get("MUNSHI_WARM_READERS", "true"),
            **weights_cache(options),
            **triton_address(options),
        },
    )


def weights_cache(options: UpOptions) -> dict[str, str]:
    """Where weights out of a hub are kept: with all else, unless another place is named."""
    return {"MUNSHI_SPEECH_CACHE": os.environ.get("MUNSHI_SPEECH_CACHE", str(options.data.root / "weights"))}


def triton_address(options: UpOptions) -> dict[str, str]:
    """What Triton and its clients are told alike; nothing where none is started."""
    if options.triton is None:
        return {}
    models = InferenceSettings().triton_models
    if os.environ.get("MUNSHI_SPEECH_MODEL"):
        models += ",speech"
    return {
        "MUNSHI_TRITON_URL": f"127.0.0.1:{options.ports.triton}",
        "MUNSHI_TRITON_HTTP_URL": f"127.0.0.1:{options.ports.triton_http}",
        "MUNSHI_TRITON_MODELS": models,
        "MUNSHI_TRITON_FILES": str(options.data.spool),
    }


def triton_spec(options: UpOptions, home: Path) -> ProcessSpec:
    """Runs the models. What answers in process where it does not is in its clients."""
    address = triton_address(options)
    ports = options.ports
    return ProcessSpec(
        name="triton",
        argv=(
            *(sys.executable, "-P", "-m", "munshi_inference.triton.server"),
            *("--home", str(home), "--runtime", str(options.data.triton)),
            *("--models", address["MUNSHI_TRITON_MODELS"]),
            *("--grpc-port", str(ports.triton)),
            *("--http-port", str(ports.triton_http)),
            *("--metrics-port", str(ports.triton_metrics)),
        ),
        log=options.data.logs / "triton.log",
        environment={**address, **weights_cache(options)},
        stop_seconds=10.0,
    )


def found_triton() -> Path | None:
    """Where Triton is installed: MUNSHI_TRITON_HOME (empty: not to be used), else what `make engines` set up.
    Nothing where another Triton is given by MUNSHI_TRITON_URL or MUNSHI_TRITON_HTTP_URL."""
    if os.environ.get("MUNSHI_TRITON_URL") or os.environ.get("MUNSHI_TRITON_HTTP_URL"):
        return None
    named = os.environ.get("MUNSHI_TRITON_HOME")
    if named is not None:
        home = Path(named) if named else None
    else:
        cache = os.environ.get("XDG_CACHE_HOME")
        home = (Path(cache) if cache else Path.home() / ".cache") / "munshi" / "triton" / "current"
    return home.resolve() if home is not None and (home / "complete").exists() else None


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
