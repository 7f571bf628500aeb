"""Puts what the reflectors see into the store, and asks the queue for a pass over whom it concerns."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from munshi.contracts.ids import TenantKey
from munshi_operator.kinds import Kind
from munshi_operator.observed import Observed
from munshi_operator.types import Manifest

Concern = Callable[[AbstractSet[TenantKey]], None]
"""Asks for a pass over these tenants."""


@dataclass
class SecretSink:
    """The Secrets with credentials, of one namespace or all."""

    observed: Observed
    concern: Concern
    _uids: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def put(self, raw: Manifest) -> None:
        """See `Sink`."""
        concerned = self.observed.put_secret(raw)
        meta = raw["metadata"]
        place = (meta["namespace"], meta["name"])
        if self.observed.has_secret(*place):
            self._uids[meta["uid"]] = (*place, int(meta.get("resourceVersion") or 0))
        else:
            self._uids.pop(meta["uid"], None)
        self.concern(concerned)

    def drop(self, raw: Manifest) -> None:
        """See `Sink`."""
        meta = raw["metadata"]
        if self._uids.pop(meta["uid"], None) is not None:
            self.concern(self.observed.drop_secret(meta["namespace"], meta["name"]))

    def keep_only(self, uids: AbstractSet[str], version: int) -> None:
        """See `Sink`."""
        for uid in [uid for uid, (_, _, seen) in self._uids.items() if uid not in uids and seen <= version]:
            namespace, name, _ = self._uids.pop(uid)
            self.concern(self.observed.drop_secret(namespace, name))


@dataclass
class ChildSink:
    """The children of one kind, of one namespace or all."""

    observed: Observed
    kind: Kind
    namespace: str | None
    concern: Concern

    def put(self, raw: Manifest) -> None:
        """See `Sink`."""
        self.concern(self.observed.put_child(self.kind, raw))

    def drop(self, raw: Manifest) -> None:
        """See `Sink`."""
        self.concern(self.observed.drop_child(self.kind, raw))

    def keep_only(self, uids: AbstractSet[str], version: int) -> None:
        """See `Sink`."""
        for key, child in self.observed.all_children(self.kind):
            elsewhere = self.namespace is not None and child.ref.namespace != self.namespace
            if not elsewhere and child.uid not in uids and child.version <= version:
                self.concern(self.observed.forget_child(key, child.ref))
