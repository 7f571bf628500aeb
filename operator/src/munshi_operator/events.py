"""Kubernetes Events for people: what `kubectl describe` shows under a tenant. Few, and never in a storm."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Literal

import structlog

from munshi.contracts.tenant import GROUP, KIND, VERSION
from munshi.errors import MunshiError
from munshi_operator.api import FIELD_MANAGER, Cluster
from munshi_operator.types import TenantObject
from munshi_operator.writing import Bucket

_log = structlog.get_logger()

_SAME_SECONDS = 600.0
"""The same thing is said of a tenant once in ten minutes."""


def _bucket() -> Bucket:
    return Bucket(rate=5.0, burst=100)


@dataclass
class Events:
    """Tells people. An Event that cannot be written is left out: the conditions say the same."""

    cluster: Cluster
    identity: str
    clock: Callable[[], float] = monotonic
    bucket: Bucket = field(default_factory=_bucket)
    dropped: int = 0
    _said: dict[tuple[str, str, str], float] = field(default_factory=dict)

    async def tell(
        self, tenant: TenantObject, kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """Writes one Event, if it was not said lately and there is room."""
        now = self.clock()
        said = (tenant.uid, reason, message)
        if now - self._said.get(said, -_SAME_SECONDS) < _SAME_SECONDS:
            return
        if not self.bucket.try_take():
            self.dropped += 1
            return
        self._forget_old(now)
        self._said[said] = now
        try:
            await self.cluster.create(self._event(tenant, kind, reason, message))
        except MunshiError as error:
            self.dropped += 1
            _log.info("event_not_written", tenant=tenant.key, reason=str(error))

    def _forget_old(self, now: float) -> None:
        if len(self._said) > 5000:
            self._said = {said: at for said, at in self._said.items() if now - at < _SAME_SECONDS}

    def _event(self, tenant: TenantObject, kind: str, reason: str, message: str) -> dict[str, object]:
        meta = tenant.tenant.metadata
        at = datetime.now(UTC)
        stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{meta.name[:200]}.{int(at.timestamp() * 1e6):x}",
                "namespace": meta.namespace,
            },
            "involvedObject": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "name": meta.name,
                "namespace": meta.namespace,
                "uid": tenant.uid,
            },
            "type": kind,
            "reason": reason,
            "message": message[:1000],
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
            "source": {"component": FIELD_MANAGER, "host": self.identity},
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": self.identity,
        }
