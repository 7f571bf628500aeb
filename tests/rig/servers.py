"""Real PostgreSQL and real NATS in a folder of their own, startable, killable, restartable."""

import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from munshi.embedded.nats import Nats, NatsSettings
from munshi.embedded.postgres import Postgres
from munshi.embedded.processes import ProcessSpec, kill_group, start, stop, wait_until
from munshi.provision.cells import Bus, as_user
from munshi.provision.key_ring import KeyRing
from munshi.provision.nats_accounts import Operator
from rig.ports import free_port
from rig.waiting import PATIENCE_SECONDS

_READY_SECONDS = 120.0


@dataclass
class Server:
    """One server process."""

    spec: ProcessSpec
    program: Postgres | Nats
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        self.process = start(self.spec)
        if not wait_until(self.program.ready, _READY_SECONDS, self.process):
            raise RuntimeError(f"{self.spec.name} did not start:\n{self.spec.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """kill -9; back when nothing of it runs."""
        if self.process is None:
            return
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
        kill_group(self.process)
        # Server processes of PostgreSQL have groups of their own, and answer until they notice.
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=PATIENCE_SECONDS)

    def stop(self) -> None:
        """An orderly end."""
        if self.process is not None:
            stop(self.process, self.spec)

    def restart(self) -> None:
        """kill -9 and a new start on the same data and port."""
        self.kill()
        self.start()


@dataclass(eq=False)
class Servers:
    """Both servers. `ring` holds the keys of the NATS operator and of whatever cells a test makes."""

    folder: Path
    ring: KeyRing = field(default_factory=KeyRing)

    def __post_init__(self) -> None:
        """Prepares both; starts none."""
        operator = Operator.of(self.ring)
        self.postgres_program = Postgres(
            self.folder / "postgres", free_port(), self.ring.postgres_password, durable=False
        )
        settings = NatsSettings(
            port=free_port(),
            monitoring_port=free_port(),
            folder=self.folder / "nats",
            operator_jwt=operator.jwt(),
            system_account=operator.system_account.public,
            system_account_jwt=operator.system_account_jwt(),
        )
        self.nats_program = Nats(settings)
        self.postgres = Server(
            self.postgres_program.prepare(self.folder / "postgres.log"), self.postgres_program
        )
        self.nats = Server(self.nats_program.prepare(self.folder / "nats.log"), self.nats_program)
        self.bus = Bus(self.nats_program.url, operator)

    def start(self) -> None:
        """Starts both."""
        self.postgres.start()
        self.nats.start()

    def stop(self) -> None:
        """Stops both and takes their folder away."""
        self.postgres.kill()
        self.nats.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin_url(self, database: str = "postgres") -> str:
        """DSN of the superuser."""
        return self.postgres_program.url(database)

    def munshi_admin_url(self, database: str) -> str:
        """DSN of `munshi_admin`: provisioning, no superuser."""
        return as_user(self.admin_url(database), "munshi_admin", self.ring.database_admin_password)
