"""Starts the whole platform, keeps it running, stops it. What `munshi up` is made of."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import POOL
from munshi.embedded.data_folder import DataFolder, Lock, clear_messages, provisioning, supervisor_lock
from munshi.embedded.engines import triton_probe
from munshi.embedded.log_files import own_log, rotate
from munshi.embedded.nats import Nats, NatsSettings
from munshi.embedded.plan import (
    STOP_ORDER,
    UpOptions,
    emulator_spec,
    ingress_spec,
    media_spec,
    orchestrator_spec,
    refuse_taken_ports,
    taken_port,
    triton_spec,
    url,
)
from munshi.embedded.postgres import Postgres
from munshi.embedded.processes import ProcessSpec
from munshi.embedded.room import Room
from munshi.embedded.schema import admin_url, bring_up_to_date, probably_current
from munshi.embedded.state import Endpoints, Phase, PlatformState, own_start, write_state
from munshi.embedded.supervisor import Supervised, Supervisor, http_probe, plain_probe
from munshi.provision.cells import Bus, write_cell
from munshi.provision.database import cell_url
from munshi.provision.documents import Documents, read_documents
from munshi.provision.key_ring import KeyRing, load_key_ring, save_key_ring, write_private
from munshi.provision.nats_accounts import Operator
from munshi.provision.object_store import folder_address
from munshi.provision.provisioner import Places, Provisioner, clear_failures
from munshi.provision.tenant_store import Seen, TenantStore, read_files, tenant_files
from munshi.provision.tenants import ServedTenant, resolve

_log = structlog.get_logger()

_READY_SECONDS = 180.0
_ROTATE_SECONDS = 5.0
_WRITE_AGAIN_SECONDS = 0.5
"""How long a full disk has before the state is written to it again."""
_OLD_PORT_SECONDS = 3.0
"""How long the processes of a killed supervisor may take to let their ports go."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WantedTenants:
    """What the start has to serve."""

    given: Documents
    all: dict[TenantKey, ServedTenant]


def data_places(data: DataFolder, ingress_url: str, emulator_url: str | None) -> Places:
    """Where a provisioner of this platform works."""
    return Places(
        data.keys, data.admin_creds, data.cells, data.tenants, ingress_url, emulator_url, data.objects
    )


class Platform:
    """One run of `munshi up`, in the main thread's event loop."""

    def __init__(self, options: UpOptions, report: Report) -> None:
        self._options = options
        self._report = report
        self._data = options.data
        self._lock: Lock = supervisor_lock(options.data)
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._supervisor = Supervisor(self._changed.set)
        self._phase = Phase.STARTING
        self._step = ""
        self._ring = KeyRing()
        self._state_written = False

    async def run(self, on_ready: Callable[[PlatformState], None]) -> None:
        """Starts, tells when all is ready, and stays until asked to stop.

        Raises:
            UserMistake: it cannot start; everything that was started is stopped again.
        """
        self._watch_signals()
        with self._held():
            background = [
                asyncio.create_task(self._keep_state()),
                asyncio.create_task(self._keep_logs_small()),
            ]
            try:
                with clear_failures():
                    started = await self._until_stop(self._start())
                if started:
                    self._phase = Phase.READY
                    self._step = ""
                    self._write()
                    on_ready(self.state())
                    await self._stop.wait()
            except BaseException as error:
                self._phase = Phase.FAILED
                self._step = str(error)
                raise
            finally:
                await self._end(background)

    async def _until_stop(self, start: Coroutine[Any, Any, None]) -> bool:
        """Runs the start; gives it up when a stop is asked for. Whether it came to its end."""
        starting = asyncio.ensure_future(start)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                return True
            return False
        finally:
            for task in (starting, stopping):
                task.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)

    async def _start(self) -> None:
        options, data = self._options, self._data
        self._say("checking tenants and ports")
        wanted = self._read_tenants()
        await self._free_ports()
        self._ring = load_key_ring(data.keys)
        self._ring.cell(POOL)
        save_key_ring(data.keys, self._ring)
        self._write_known_cells()
        self._say("starting NATS, PostgreSQL and the services")
        servers = self._start_servers()
        services = []
        if options.graph_url is None:
            services.append(self._start_service(emulator_spec(options), options.ports.emulator))
        services.append(self._start_service(ingress_spec(options), options.ports.ingress))
        services.append(self._start_service(media_spec(options), options.ports.media))
        early = probably_current(data, self._superuser_url())
        if early:
            services.append(self._start_service(orchestrator_spec(options), options.ports.orchestrator))
        await self._supervisor.wait_ready(servers, _READY_SECONDS)
        self._say("checking the database schema")
        admin, changed = await bring_up_to_date(data, self._superuser_url(), self._ring, self._say)
        if not early:
            services.append(self._start_service(orchestrator_spec(options), options.ports.orchestrator))
        elif changed:
            services[-1].kill()
        self._say("applying tenants")
        await self._apply(admin, wanted, services)
        self._say("waiting for the services")
        await self._supervisor.wait_ready(services, _READY_SECONDS)
        if options.triton is not None:
            # Last, and not waited for: until it answers, the engines in process do.
            self._start_triton(options.triton)

    def _read_tenants(self) -> WantedTenants:
        options = self._options
        held = TenantStore(self._data.tenants).load()
        paths = tenant_files(options.tenants) if options.tenants else []
        texts = read_files(paths)
        if not options.tenants_asked_for:
            texts = [(name, text) for name, text in texts if "munshi.dev/" in text]
        given = read_documents(texts)
        fresh = given if options.tenants_asked_for else Seen(self._data.seen).new_of(given)
        return WantedTenants(given, {**held, **resolve(fresh, held, datetime.now(UTC))})

    async def _free_ports(self) -> None:
        deadline = time.monotonic() + _OLD_PORT_SECONDS
        used = self._options.used_ports().values()
        # A port tells nobody that it is free: it is asked.
        while time.monotonic() < deadline and any(map(taken_port, used)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        refuse_taken_ports(self._options)

    def _bus(self) -> Bus:
        if self._options.nats_url:
            return Bus(self._options.nats_url, None)
        return Bus(f"nats://127.0.0.1:{self._options.ports.nats}", Operator.of(self._ring))

    def _superuser_url(self) -> str:
        return self._options.database_url or self._postgres().url()

    def _postgres(self) -> Postgres:
        return Postgres(self._data.postgres, self._options.ports.postgres, self._ring.postgres_password)

    def _write_known_cells(self) -> None:
        """Addresses may have changed since the last run; services start before their servers answer."""
        admin = admin_url(self._superuser_url(), self._ring)
        for cell, keys in self._ring.cells.items():
            if (self._data.cells / cell / "cell.json").exists():
                objects = folder_address(self._data.objects, cell)
                write_cell(self._data.cells, cell, keys, self._bus(), cell_url(admin, cell, keys), objects)

    def _start_servers(self) -> list[Supervised]:
        servers = []
        if self._options.nats_url is None:
            operator = Operator.of(self._ring)
            nats = Nats(
                NatsSettings(
                    port=self._options.ports.nats,
                    monitoring_port=self._options.ports.nats_monitoring,
                    folder=self._data.nats,
                    operator_jwt=operator.jwt(),
                    system_account=operator.system_account.public,
                    system_account_jwt=operator.system_account_jwt(),
                )
            )
            write_private(self._data.system_creds, operator.system_creds())
            spec, probe = nats.prepare(self._data.logs / "nats.log"), plain_probe(nats.ready)
            servers.append(
                self._supervisor.add(
                    # A stream that could not be written stays broken until the server is started anew.
                    Supervised(spec, probe, alive_probe=probe, room=Room(self._data.nats))
                )
            )
        if self._options.database_url is None:
            postgres = self._postgres()
            spec = postgres.prepare(self._data.logs / "postgres.log")
            servers.append(
                self._supervisor.add(
                    # It ends by itself when it cannot write; a long recovery must not be cut short.
                    Supervised(spec, plain_probe(postgres.ready), room=Room(self._data.postgres))
                )
            )
        return servers

    def _start_service(self, spec: ProcessSpec, port: int) -> Supervised:
        ready, alive = http_probe(port), http_probe(port, "/healthz")
        folders = {"emulator": self._data.emulator, "media": self._data.objects}
        room = Room(folders[spec.name]) if spec.name in folders else None
        return self._supervisor.add(Supervised(spec, ready, alive, metrics=f"{url(port)}/metrics", room=room))

    def _start_triton(self, home: Path) -> None:
        ports = self._options.ports
        works = triton_probe(ports.triton_http)
        metrics = f"{url(ports.triton_metrics)}/metrics"
        spec = triton_spec(self._options, home)
        self._supervisor.add(Supervised(spec, works, works, metrics=metrics, needed=False))

    async def _apply(self, admin: str, wanted: WantedTenants, services: list[Supervised]) -> None:
        emulator_url = None if self._options.graph_url else url(self._options.ports.emulator)
        places = data_places(self._data, url(self._options.ports.ingress), emulator_url)
        if emulator_url:
            await self._supervisor.wait_ready(services[:1], _READY_SECONDS)
        async with provisioning(self._data):
            provisioner = Provisioner(places, self._bus(), admin)
            await provisioner.ensure_pool()
            for served in wanted.all.values():
                await provisioner.apply(served)
            Seen(self._data.seen).remember(wanted.given)

    def state(self) -> PlatformState:
        """What runs now."""
        options = self._options
        emulator_url = None if options.graph_url else url(options.ports.emulator)
        processes = tuple(member.state() for member in self._supervisor.members)
        phase = self._phase
        if phase is Phase.READY and not all(process.ready for process in processes if process.needed):
            phase = Phase.DEGRADED
        return PlatformState(
            supervisor_pid=os.getpid(),
            supervisor_started=own_start(),
            phase=phase,
            step=self._step,
            error=self._step if phase is Phase.FAILED else None,
            endpoints=Endpoints(ingress=url(options.ports.ingress), emulator=emulator_url),
            graph_url=options.graph_url or url(options.ports.emulator),
            database_url=self._superuser_url(),
            nats_url=self._bus().url,
            nats_accounts=options.nats_url is None,
            processes=processes,
        )

    def _say(self, step: str) -> None:
        self._step = step
        _log.info("step", step=step)
        self._report(step)
        self._write()

    def _write(self) -> bool:
        """Whether the state could be written; a full disk must not stop what it is about."""
        try:
            if self._data.version.exists():
                write_state(self._data.state, self.state())
        except OSError:
            return False
        return True

    async def _keep_state(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while not self._write():  # noqa: ASYNC110 (a disk tells nobody that it has room)
                await asyncio.sleep(_WRITE_AGAIN_SECONDS)

    async def _keep_logs_small(self) -> None:
        while True:
            await asyncio.sleep(_ROTATE_SECONDS)
            for path in self._data.logs.glob("*.log"):
                with contextlib.suppress(OSError):
                    rotate(path)

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        with clear_messages(self._data):
            self._data.prepare()
            self._lock.take()
            try:
                with own_log(self._data.logs / "supervisor.log", "supervisor"):
                    yield
            finally:
                self._lock.release()

    async def _end(self, background: "list[asyncio.Task[None]]") -> None:
        if self._phase is not Phase.FAILED:
            self._phase = Phase.STOPPING
            self._report("stopping")
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await self._supervisor.stop(STOP_ORDER)
        if self._phase is Phase.STOPPING:
            self._phase = Phase.STOPPED
        self._write()
