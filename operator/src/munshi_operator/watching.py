"""kopf's part: it watches the tenants, and starts and ends the operator's own tasks. A page of contents.

Only low-level events are asked for: no handler of a change, no annotation and no finalizer of kopf's own.
What a tenant needs is worked out whole, in `reconcile.py`, from what is.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from munshi.contracts.tenant import GROUP, PLURAL, VERSION
from munshi_operator.engine import Engine

_PAGE = 500


def handlers(
    engine: Engine, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
) -> kopf.OperatorRegistry:
    """What kopf calls."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def _startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        await start()

    @kopf.on.login(registry=registry)
    async def _login(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
        # In a pod its service account, elsewhere KUBECONFIG: just as lightkube finds them.
        found = kopf.login_with_service_account(settings=settings)
        return found or kopf.login_with_kubeconfig(settings=settings)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def _tenant(event: kopf.RawEvent, **_: Any) -> None:
        engine.tenant_changed(event["type"], dict(event["object"]))

    @kopf.on.cleanup(registry=registry)
    async def _cleanup(**_: Any) -> None:
        await stop()

    return registry


def configure(settings: kopf.OperatorSettings) -> None:
    """kopf as a watcher and nothing else, small in memory."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.chunk_size = _PAGE
    settings.queueing.idle_timeout = 0.1  # a worker a tenant, gone as soon as its event is handed on
    settings.process.ultimate_exiting_timeout = 30
