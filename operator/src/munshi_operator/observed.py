"""What was seen last of the cluster: tenants, the Secrets that they name, and their children. Pure.

Kept small, since there may be ten thousand tenants: packed bytes, unpacked when a tenant is worked on. An
answer to a write of our own is put in like a change, so the next pass sees what the last one did even before
the watch tells of it; what is older than what is known is passed over.
"""

import base64
import binascii
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import orjson

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import (
    DeletionPolicy,
    Isolation,
    Metadata,
    WhatsAppTenant,
    WhatsAppTenantSpec,
    tenant_key,
)
from munshi_operator.api import FIELD_MANAGER
from munshi_operator.builders.names import COMPONENT_LABEL, MANAGER_LABEL
from munshi_operator.drift import mark_of, owned_fields
from munshi_operator.kinds import DEPLOYMENT, Kind, Ref
from munshi_operator.types import Manifest, TenantObject

TENANT_LABEL = "munshi.dev/tenant"
FINALIZER = "munshi.dev/finalizer"
CREDENTIALS = ("app-secret", "access-token", "verify-token", "app-secret-previous")

_Word = TypeVar("_Word", bound=StrEnum)

_KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")
"""Of a child's metadata: what the operator sets."""


@dataclass(frozen=True, slots=True)
class SeenTenant:
    """One tenant, packed. Its spec may be one that the contract refuses."""

    key: TenantKey
    uid: str
    version: int
    generation: int
    created: datetime
    deleting: datetime | None
    held: bool
    """Whether our finalizer is on it."""
    secret: str
    numbers: tuple[str, ...]
    ready: str
    """Truth of the condition Ready; `Unknown` without."""
    ready_since: datetime | None
    paused: bool
    packed: bytes

    def object(self) -> TenantObject:
        """The tenant as the contract reads it; what a newer definition has added is passed over, or an
        operator that is older than its definition would refuse every tenant that has a new default.

        Raises:
            pydantic.ValidationError: the contract refuses what the API server took.
        """
        raw = orjson.loads(self.packed)
        status = raw.pop("status", None) or {}
        return self._around(WhatsAppTenant.model_validate(raw, extra="ignore"), status)

    def stand_in(self) -> TenantObject:
        """A tenant that the contract refuses, good for its end alone: whose it is, where it is served and its
        deletion policy. A policy that cannot be read keeps the data."""
        raw = orjson.loads(self.packed)
        given = raw["spec"]
        known: dict[str, Any] = {
            "isolation": _either(Isolation, given.get("isolation"), Isolation.DEDICATED),
            "deletion_policy": _either(DeletionPolicy, given.get("deletionPolicy"), DeletionPolicy.RETAIN),
        }
        tenant = WhatsAppTenant.model_construct(
            api_version=raw["apiVersion"],
            kind=raw["kind"],
            metadata=Metadata.model_construct(**raw["metadata"]),
            spec=WhatsAppTenantSpec.model_construct(**known),
        )
        return self._around(tenant, raw.get("status") or {})

    def _around(self, tenant: WhatsAppTenant, status: Mapping[str, Any]) -> TenantObject:
        return TenantObject(
            tenant=tenant,
            uid=self.uid,
            generation=self.generation,
            created=self.created,
            deleting=self.deleting,
            resource_version=str(self.version),
            status=status,
        )

    @property
    def status(self) -> Mapping[str, Any]:
        """The status alone, whatever the spec."""
        found: Mapping[str, Any] = orjson.loads(self.packed).get("status") or {}
        return found


@dataclass(frozen=True, slots=True)
class Pods:
    """How far a Deployment is."""

    wanted: int
    ready: int
    settled: bool
    """The newest template runs everywhere and all its pods are available."""
    stuck: bool
    """It went past its own deadline."""


@dataclass(frozen=True, slots=True)
class SeenChild:
    """One child, packed."""

    ref: Ref
    uid: str
    version: int
    owner: str
    """uid of the tenant that controls it; empty without."""
    deleting: bool
    mark: str
    ours: bool
    """The operator applied it: it bears a mark, or the label of who manages it."""
    component: str
    """Which of the services it is of, by its label; empty without."""
    pods: Pods | None
    packed: bytes

    def unpack(self) -> tuple[Manifest, dict[str, Any]]:
        """The object without status, and the fields of it that the operator owns."""
        found, owned = orjson.loads(zlib.decompress(self.packed))
        return found, owned


@dataclass(frozen=True, slots=True)
class _SeenSecret:
    version: int
    values: bytes


class Observed:
    """The store. Every method that takes a change returns the tenants that it concerns."""

    def __init__(self) -> None:
        self._tenants: dict[TenantKey, SeenTenant] = {}
        self._children: dict[TenantKey, dict[Ref, SeenChild]] = {}
        self._secrets: dict[tuple[str, str], _SeenSecret] = {}
        self._named: dict[tuple[str, str], set[TenantKey]] = {}
        self._claims: dict[str, set[TenantKey]] = {}

    # --- tenants -------------------------------------------------------------------------------------------

    def tenant(self, key: TenantKey) -> SeenTenant | None:
        """One tenant."""
        return self._tenants.get(key)

    def tenants(self) -> Iterator[SeenTenant]:
        """All tenants."""
        return iter(list(self._tenants.values()))

    def __len__(self) -> int:
        return len(self._tenants)

    def put_tenant(self, raw: Manifest) -> set[TenantKey]:
        """Takes what was seen of a tenant."""
        seen = _read_tenant(raw)
        before = self._tenants.get(seen.key)
        if before is not None and before.uid == seen.uid and before.version >= seen.version:
            return set()
        concerned = {seen.key}
        if before is not None:
            self._unlink(before)
            if before.numbers != seen.numbers:
                concerned |= self._rivals(before.numbers)
        self._tenants[seen.key] = seen
        self._link(seen)
        if before is None or before.numbers != seen.numbers:
            concerned |= self._rivals(seen.numbers)
        if before is not None and concerned == {seen.key} and _as_good_as(before, seen):
            return set()
        return concerned

    def drop_tenant(self, key: TenantKey, uid: str) -> set[TenantKey]:
        """A tenant is gone."""
        before = self._tenants.get(key)
        if before is None or before.uid != uid:
            return set()
        del self._tenants[key]
        self._unlink(before)
        return {key} | self._rivals(before.numbers)

    def claimants(self, number: str) -> list[SeenTenant]:
        """Who claims a phone number id, the oldest first."""
        found = [self._tenants[key] for key in self._claims.get(number, ())]
        return sorted(found, key=lambda one: (one.created, one.uid))

    def _rivals(self, numbers: Iterable[str]) -> set[TenantKey]:
        return {key for number in numbers for key in self._claims.get(number, ())}

    def _link(self, seen: SeenTenant) -> None:
        namespace = seen.key.partition("_")[0]
        self._named.setdefault((namespace, seen.secret), set()).add(seen.key)
        for number in seen.numbers:
            self._claims.setdefault(number, set()).add(seen.key)

    def _unlink(self, seen: SeenTenant) -> None:
        namespace = seen.key.partition("_")[0]
        _discard(self._named, (namespace, seen.secret), seen.key)
        for number in seen.numbers:
            _discard(self._claims, number, seen.key)

    # --- Secrets -------------------------------------------------------------------------------------------

    def put_secret(self, raw: Manifest) -> set[TenantKey]:
        """Takes what was seen of a Secret; kept are credentials of WhatsApp alone.

        Those that nobody names yet are kept too: in a file, a Secret often stands before its tenant.
        """
        meta = raw["metadata"]
        place = (meta["namespace"], meta["name"])
        data = raw.get("data") or {}
        values = {name: _text(data[name]) for name in CREDENTIALS if name in data}
        version = int(meta.get("resourceVersion") or 0)
        before = self._secrets.get(place)
        if before is not None and before.version >= version:
            return set()
        if not values:
            return self.drop_secret(*place)
        packed = orjson.dumps(values)
        self._secrets[place] = _SeenSecret(version, packed)
        return set() if before is not None and before.values == packed else self._naming(place)

    def drop_secret(self, namespace: str, name: str) -> set[TenantKey]:
        """A Secret is gone."""
        place = (namespace, name)
        return self._naming(place) if self._secrets.pop(place, None) is not None else set()

    def has_secret(self, namespace: str, name: str) -> bool:
        """Whether a Secret is kept."""
        return (namespace, name) in self._secrets

    def credentials(self, namespace: str, name: str) -> dict[str, str] | None:
        """The credentials in a Secret; `None` where it is not there or holds none."""
        seen = self._secrets.get((namespace, name))
        if seen is None:
            return None
        values: dict[str, str] = orjson.loads(seen.values)
        return values

    def _naming(self, place: tuple[str, str]) -> set[TenantKey]:
        return set(self._named.get(place, ()))

    # --- children ------------------------------------------------------------------------------------------

    def children(self, key: TenantKey) -> dict[Ref, SeenChild]:
        """What is there of a tenant's objects."""
        return self._children.get(key, {})

    def all_children(self, kind: Kind) -> list[tuple[TenantKey, SeenChild]]:
        """Every child of one kind, with whose it is."""
        return [
            (key, one)
            for key, found in self._children.items()
            for one in found.values()
            if one.ref.kind is kind
        ]

    def put_child(self, kind: Kind, raw: Manifest) -> set[TenantKey]:
        """Takes what was seen of a child."""
        key = owner_of(raw)
        if key is None:
            return set()
        ref = Ref(kind, raw["metadata"]["namespace"], raw["metadata"]["name"])
        version = int(raw["metadata"].get("resourceVersion") or 0)
        known = self._children.setdefault(key, {})
        before = known.get(ref)
        if before is not None and before.version >= version:
            return set()
        now = known[ref] = _read_child(ref, version, raw)
        return set() if before is not None and replace(before, version=version) == now else {key}

    def drop_child(self, kind: Kind, raw: Manifest) -> set[TenantKey]:
        """A child is gone."""
        key = owner_of(raw)
        if key is None:
            return set()
        ref = Ref(kind, raw["metadata"]["namespace"], raw["metadata"]["name"])
        found = self._children.get(key, {}).get(ref)
        if found is None or found.uid != raw["metadata"].get("uid"):
            return set()
        return self.forget_child(key, ref)

    def forget_child(self, key: TenantKey, ref: Ref) -> set[TenantKey]:
        """A child is gone, as a list or an answer says."""
        known = self._children.get(key, {})
        if known.pop(ref, None) is None:
            return set()
        if not known:
            del self._children[key]
        return {key}


def owner_of(raw: Manifest) -> TenantKey | None:
    """Whose child an object is, by its label and namespace."""
    meta = raw["metadata"]
    name = (meta.get("labels") or {}).get(TENANT_LABEL)
    return tenant_key(meta.get("namespace", ""), name) if name else None


def is_ours(raw: Manifest, tenant_uid: str = "") -> bool:
    """Whether the operator made an object: it bears our mark or our label, or the tenant owns it."""
    meta = raw["metadata"]
    owned = any(one.get("uid") == tenant_uid for one in meta.get("ownerReferences") or ())
    managed = (meta.get("labels") or {}).get(MANAGER_LABEL) == FIELD_MANAGER
    return bool(mark_of(raw)) or managed or owned


def time_of(text: str) -> datetime:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(text)


def _read_tenant(raw: Manifest) -> SeenTenant:
    meta = raw["metadata"]
    spec = raw.get("spec") or {}
    whatsapp = spec.get("whatsapp") or {}
    kept = {name: meta[name] for name in ("name", "namespace", "labels", "annotations") if meta.get(name)}
    packed = {
        "apiVersion": raw["apiVersion"],
        "kind": raw["kind"],
        "metadata": kept,
        "spec": spec,
        "status": raw.get("status"),
    }
    deleting = meta.get("deletionTimestamp")
    conditions = (raw.get("status") or {}).get("conditions") or ()
    ready: Mapping[str, Any] = next((one for one in conditions if one.get("type") == "Ready"), {})
    return SeenTenant(
        key=tenant_key(meta["namespace"], meta["name"]),
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        generation=int(meta.get("generation") or 1),
        created=time_of(meta["creationTimestamp"]),
        deleting=time_of(deleting) if deleting else None,
        held=FINALIZER in (meta.get("finalizers") or ()),
        secret=str((whatsapp.get("secretRef") or {}).get("name", "")),
        numbers=tuple(str(number.get("phoneNumberID", "")) for number in whatsapp.get("phoneNumbers") or ()),
        ready=str(ready.get("status", "Unknown")),
        ready_since=time_of(ready["lastTransitionTime"]) if ready.get("lastTransitionTime") else None,
        paused=bool(spec.get("paused")),
        packed=orjson.dumps(packed),
    )


def _as_good_as(before: SeenTenant, now: SeenTenant) -> bool:
    """Whether a pass would find nothing new: only what the operator does not look at differs."""
    return (before.uid, before.generation, before.deleting, before.held, before.packed) == (
        now.uid,
        now.generation,
        now.deleting,
        now.held,
        now.packed,
    )


def _read_child(ref: Ref, version: int, raw: Manifest) -> SeenChild:
    meta = raw["metadata"]
    owners = meta.get("ownerReferences") or ()
    slim = {name: value for name, value in raw.items() if name not in {"status", "metadata"}}
    slim["metadata"] = {name: meta[name] for name in _KEPT if name in meta}
    return SeenChild(
        ref=ref,
        uid=meta["uid"],
        version=version,
        owner=next((str(one["uid"]) for one in owners if one.get("controller")), ""),
        deleting=bool(meta.get("deletionTimestamp")),
        mark=mark_of(raw),
        ours=is_ours(raw),
        component=sys.intern(str((meta.get("labels") or {}).get(COMPONENT_LABEL, ""))),
        pods=_read_pods(raw) if ref.kind is DEPLOYMENT else None,
        packed=zlib.compress(orjson.dumps([slim, owned_fields(raw)]), 1),
    )


def _read_pods(raw: Manifest) -> Pods:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    ready = int(status.get("readyReplicas") or 0)
    newest = int(status.get("observedGeneration") or 0) >= int(raw["metadata"].get("generation") or 1)
    updated, total = int(status.get("updatedReplicas") or 0), int(status.get("replicas") or 0)
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    return Pods(
        wanted=wanted,
        ready=ready,
        settled=newest and updated >= wanted and total <= updated and ready >= wanted,
        stuck=newest and conditions.get("Progressing", {}).get("status") == "False",
    )


def _either(words: type[_Word], given: object, default: _Word) -> _Word:
    """What is given, if it is one of the words."""
    return next((word for word in words if word.value == given), default)


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _discard(index: dict[Any, set[TenantKey]], place: Any, key: TenantKey) -> None:
    found = index.get(place)
    if found is not None:
        found.discard(key)
        if not found:
            del index[place]
