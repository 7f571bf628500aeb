"""The composition root of the operator: what there is, and how it hangs together."""

import asyncio
import contextlib
import functools
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import kopf
import structlog
from lightkube.core.exceptions import ConfigError

from munshi.contracts.tenant import POOL
from munshi.errors import MunshiError, UserMistake
from munshi.probes import serve_probes
from munshi.telemetry import configure
from munshi_operator.assembly import Parts, assemble
from munshi_operator.bootstrap import BootstrapSettings, bootstrap
from munshi_operator.builders import build_children, parse_blueprint
from munshi_operator.cluster import LightkubeCluster
from munshi_operator.health import alive
from munshi_operator.leader import Leader
from munshi_operator.metrics import make_registry
from munshi_operator.outside import open_meta, open_outside
from munshi_operator.pool import ensure_pool
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import MetaChecks, Outside
from munshi_operator.watching import handlers

_log = structlog.get_logger()

_RETRY_SECONDS = 5.0


@dataclass
class Replica:
    """The tasks of one replica, from kopf's start to its end."""

    parts: Parts
    leader: Leader
    outside: Outside
    settings: OperatorSettings
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Asks kopf to stop."""
    failed: bool = False
    working: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Starts all tasks; any that ends takes the process along."""
        engine = self.parts.engine
        for name, work in (
            ("follow", engine.follow()),
            ("lead", self.leader.run()),
            ("serve", self._serve()),
        ):
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """Ends all tasks; gives the Lease back so that the other replica need not wait."""
        for task in self._tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(MunshiError, TimeoutError):
            async with asyncio.timeout(self.settings.stop_seconds / 4):
                await self.leader.give_up()

    def is_ready(self) -> str | None:
        """What is missing until this replica could do its work; a waiting one is ready to."""
        if not all(one.synced.is_set() for one in self.parts.engine.reflectors):
            return "the cluster has not been read yet"
        return "the pool is not made yet" if self.leader.leads and not self.working else None

    async def _serve(self) -> None:
        engine = self.parts.engine
        await self._insist("read tenants", engine.synced)
        await self.leader.elected.wait()
        await self._insist("make the pool", self._ensure_pool)
        # A replica that has waited knows all that was told; what was not, a fresh list tells.
        await self._insist("read tenants", engine.take_census)
        engine.begin()
        self.working = True
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.work())
            group.create_task(engine.keep_census())
            group.create_task(self._keep_pool())

    async def _keep_pool(self) -> None:
        """Compares the pool at every resync, as each tenant is, for ever."""
        while True:
            await asyncio.sleep(self.settings.resync_seconds * random.uniform(0.8, 1.2))
            try:
                await self._ensure_pool()
            except MunshiError as error:
                _log.warning("pool_not_compared", reason=str(error))

    async def _ensure_pool(self) -> None:
        await self.outside.ensure_platform()
        access = await self.outside.access(POOL)
        written = await ensure_pool(self.parts.cluster, access, self.settings.namespace)
        if written:
            _log.info("pool_secrets_written", count=written)

    @staticmethod
    async def _insist(what: str, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except MunshiError as error:
                _log.warning("start_waits", step=what, reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        self.failed = True
        error = task.exception()
        _log.error("task_ended", task=task.get_name(), exc_info=error)
        self.ended.set()


async def operate(settings: OperatorSettings) -> bool:
    """Runs one replica until a signal comes or it may not go on; returns whether it ended as it was told.

    Raises:
        UserMistake: a file or a setting is unusable.
    """
    async with contextlib.AsyncExitStack() as stack:
        outside = await stack.enter_async_context(open_outside(settings))
        meta = await stack.enter_async_context(open_meta(settings))
        return await run_replica(settings, outside, meta)


async def run_replica(settings: OperatorSettings, outside: Outside, meta: MetaChecks | None) -> bool:
    """The same over an outside that is open already."""
    blueprint = parse_blueprint(_text(settings.blueprint_file))
    cluster = LightkubeCluster.from_environment()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(cluster.close)
        leader = Leader(cluster, settings.namespace, settings.identity, settings.lease_seconds)
        build = functools.partial(build_children, blueprint=blueprint)
        parts = assemble(settings, cluster, outside, meta, build, lambda: leader.leads)
        replica = Replica(parts, leader, outside, settings)
        port = await stack.enter_async_context(
            serve_probes(
                settings.host,
                settings.port,
                make_registry(parts, lambda: leader.leads),
                lambda: alive(parts.engine),
                replica.is_ready,
            )
        )
        _log.info("listening", host=settings.host, port=port)
        await kopf.operator(
            registry=handlers(parts.engine, replica.start, replica.stop),
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            stop_flag=replica.ended,
        )
        return not replica.failed


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise UserMistake(f"{path} cannot be read: {error.strerror}") from error


def run() -> None:
    """The program. Exit 0 after a stop, 1 when it cannot start or may not go on."""
    settings = OperatorSettings()
    configure("operator", settings.log_level)
    try:
        told = asyncio.run(operate(settings))
    except (UserMistake, ConfigError) as error:
        _log.error("cannot_start", reason=str(error))
        sys.exit(1)
    sys.exit(0 if told else 1)


def run_bootstrap() -> None:
    """The program of the chart's Job. Exit 0 when the Secret is written, else 1."""
    configure("bootstrap")

    async def once() -> None:
        cluster = LightkubeCluster.from_environment()
        try:
            await bootstrap(cluster, BootstrapSettings())
        finally:
            await cluster.close()

    try:
        asyncio.run(once())
    except (MunshiError, ConfigError) as error:
        _log.error("cannot_bootstrap", reason=str(error))
        sys.exit(1)
