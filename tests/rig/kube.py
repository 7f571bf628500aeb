"""A Kubernetes API in memory, behind the operator's port: server-side apply with owners of fields, watches
with bookmarks and expiry, conflicts, finalizers, garbage collection, and a controller that brings pods up.

It passes the suite in `tests/operator/api`, which also runs on a real API server.
"""

import asyncio
import copy
import itertools
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from munshi.errors import MunshiError, Permanent
from munshi_operator.api import FIELD_MANAGER, Change, Conflict, Expired, Gone, Page, Selection
from munshi_operator.kinds import DEPLOYMENT, TENANT, Kind, Ref, ref_of
from munshi_operator.types import Manifest
from rig.field_sets import Path, build, leaves, paths_in, tree_of


class Killed(BaseException):
    """The operator's process ends here."""


@dataclass(eq=False)
class _Watch:
    """An open stream."""

    taken: int
    """The version up to which its reader has taken changes in."""


class MemoryApi:
    """The state of one API server, and the hands of people and controllers on it."""

    def __init__(self) -> None:
        self._objects: dict[Ref, Manifest] = {}
        self._version = itertools.count(2)  # as etcd's
        self._uid = itertools.count(1)
        self._history: dict[Kind, list[tuple[int, Change]]] = {}
        self._oldest = 0
        self._news = asyncio.Condition()
        self._watches: set[_Watch] = set()
        self.absent: set[Kind] = set()
        self.refuse: Callable[[str, Ref], MunshiError | None] = lambda _verb, _ref: None
        """Asked before every request of the operator."""
        self.after_write: Callable[[], None] = lambda: None
        """Called when a write of the operator is done, before it is answered."""
        self.pods_come_up: Callable[[Manifest], bool] = lambda _deployment: True
        self.silent = False
        """Watches hear nothing any more, as if the stream were stuck."""
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.writes: list[tuple[str, Ref]] = []
        """What the operator wrote, in order."""
        self.reads = 0
        self.latest = 0

    # --- people and controllers ----------------------------------------------------------------------------

    def get(self, ref: Ref) -> Manifest | None:
        """An object as it is."""
        found = self._objects.get(ref)
        return copy.deepcopy(found) if found else None

    def peek(self, ref: Ref) -> Manifest | None:
        """An object itself, not to be changed: for those who look often."""
        return self._objects.get(ref)

    def all(self, kind: Kind, namespace: str | None = None) -> list[Manifest]:
        """All objects of a kind."""
        return [
            copy.deepcopy(one)
            for ref, one in sorted(self._objects.items(), key=lambda item: (item[0].namespace, item[0].name))
            if ref.kind is kind and namespace in (None, ref.namespace)
        ]

    def put(self, manifest: Manifest, manager: str = "kubectl") -> Manifest:
        """Somebody writes a whole object (an update, not an apply)."""
        ref = ref_of(manifest)
        old = self._objects.get(ref)
        new = copy.deepcopy(old) if old else {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}
        before = leaves(_body(new)) if old else {}
        for name, value in manifest.items():
            if name != "metadata":
                new[name] = copy.deepcopy(value)
        meta = new.setdefault("metadata", {})
        for name in ("name", "namespace", "labels", "annotations", "finalizers", "ownerReferences"):
            if name in manifest["metadata"]:
                meta[name] = copy.deepcopy(manifest["metadata"][name])
        after = leaves(_body(new))
        touched = {path for path, value in after.items() if path not in before or before[path] != value}
        gone = set(before) - set(after)
        self._own(new, manager, "Update", touched, lost=touched | gone, add=True)
        return self._store(ref, old, new)

    def edit(self, ref: Ref, change: Callable[[Manifest], None], manager: str = "kubectl-edit") -> Manifest:
        """Somebody edits an object."""
        manifest = self.get(ref)
        assert manifest is not None, ref
        change(manifest)
        return self.put(manifest, manager)

    def remove(self, ref: Ref) -> None:
        """Somebody deletes an object."""
        found = self._objects.get(ref)
        if found is None:
            return
        if found["metadata"].get("finalizers"):
            if not found["metadata"].get("deletionTimestamp"):
                new = copy.deepcopy(found)
                new["metadata"]["deletionTimestamp"] = _stamp(self.now())
                new["metadata"]["generation"] = int(new["metadata"].get("generation", 1)) + 1
                self._store(ref, found, new)
            return
        self._drop(ref)

    def set_status(self, ref: Ref, status: dict[str, Any]) -> None:
        """A controller writes a status."""
        found = self._objects[ref]
        new = copy.deepcopy(found)
        new["status"] = status
        self._store(ref, found, new, controllers=False)

    def run_pods(self) -> None:
        """The Deployment controller looks at all Deployments again."""
        for ref in [ref for ref in self._objects if ref.kind is DEPLOYMENT]:
            self._bring_up(ref)

    def forget_history(self) -> None:
        """Compaction: who watches from an older version must list again."""
        self._oldest = self.latest
        self._history.clear()

    @property
    def told(self) -> bool:
        """Whether who watches has taken in all that there is to hear."""
        return self.silent or all(one.taken >= self.latest for one in self._watches)

    async def wake(self) -> None:
        """Lets watches look for news."""
        async with self._news:
            self._news.notify_all()

    # --- inside --------------------------------------------------------------------------------------------

    def _store(self, ref: Ref, old: Manifest | None, new: Manifest, *, controllers: bool = True) -> Manifest:
        _default(ref.kind, new)
        meta = new["metadata"]
        if old is None:
            meta.update(name=ref.name, namespace=ref.namespace, uid=f"uid-{next(self._uid):06d}")
            meta.update(creationTimestamp=_stamp(self.now()), generation=1)
        elif _without_version(old) == _without_version(new):
            return copy.deepcopy(old)
        elif old.get("spec") != new.get("spec"):
            meta["generation"] = int(old["metadata"].get("generation", 1)) + 1
        version = next(self._version)
        meta["resourceVersion"] = str(version)
        self._objects[ref] = new
        self._tell(version, ref.kind, Change("MODIFIED" if old else "ADDED", copy.deepcopy(new)))
        if meta.get("deletionTimestamp") and not meta.get("finalizers"):
            self._drop(ref)
        elif ref.kind is DEPLOYMENT and controllers:
            self._bring_up(ref)
        return copy.deepcopy(self._objects.get(ref, new))

    def _drop(self, ref: Ref) -> None:
        gone = self._objects.pop(ref)
        version = next(self._version)
        gone["metadata"]["resourceVersion"] = str(version)
        self._tell(version, ref.kind, Change("DELETED", copy.deepcopy(gone)))
        uid = gone["metadata"]["uid"]
        for child, found in list(self._objects.items()):
            owners = found["metadata"].get("ownerReferences") or ()
            if any(owner.get("uid") == uid for owner in owners):
                self.remove(child)

    def _tell(self, version: int, kind: Kind, change: Change) -> None:
        self.latest = version
        self._history.setdefault(kind, []).append((version, change))
        loop = asyncio.get_event_loop_policy().get_event_loop()
        if loop.is_running():
            loop.call_soon(lambda: loop.create_task(self.wake()))

    def _bring_up(self, ref: Ref) -> None:
        found = self._objects[ref]
        wanted = int(found["spec"].get("replicas", 1))
        old = found.get("status") or {}
        if self.pods_come_up(found):
            status = {
                "observedGeneration": found["metadata"]["generation"],
                "replicas": wanted,
                "updatedReplicas": wanted,
                "readyReplicas": wanted,
                "availableReplicas": wanted,
            }
        else:
            status = {
                **old,
                "observedGeneration": found["metadata"]["generation"],
                "updatedReplicas": 0,
                "replicas": max(wanted, int(old.get("replicas", 0))),
            }
        if status != old:
            self.set_status(ref, status)

    @staticmethod
    def _own(
        obj: Manifest,
        manager: str,
        operation: str,
        paths: set[Path],
        *,
        lost: set[Path],
        add: bool = False,
        sub: str = "",
    ) -> None:
        """`manager` owns `paths` (besides what it owned, with `add`); others lose `lost`."""
        entries = obj["metadata"].get("managedFields") or []
        kept = []
        mine: set[Path] = set(paths)
        for entry in entries:
            owned = paths_in(entry["fieldsV1"])
            if (entry["manager"], entry["operation"], entry.get("subresource", "")) == (
                manager,
                operation,
                sub,
            ):
                mine |= (owned - lost) if add else set()
                continue
            owned -= lost
            if owned:
                kept.append({**entry, "fieldsV1": tree_of(owned)})
        if mine:
            entry = {
                "manager": manager,
                "operation": operation,
                "fieldsV1": tree_of(mine),
                "fieldsType": "FieldsV1",
            }
            if sub:
                entry["subresource"] = sub
            kept.append(entry)
        obj["metadata"]["managedFields"] = kept

    def apply(self, manifest: Manifest, sub: str, manager: str = FIELD_MANAGER) -> Manifest:
        """Server-side apply by force."""
        ref = ref_of(manifest)
        if ref.kind in self.absent:
            raise Gone(f"{ref.kind.name} is not installed")
        old = self._objects.get(ref)
        uid = manifest["metadata"].get("uid")
        if old is None and sub:
            raise Gone(f"{ref} is not there")
        if uid and (old is None or old["metadata"]["uid"] != uid):
            raise Conflict(f"{ref} has another uid")
        version = manifest["metadata"].get("resourceVersion")
        if version and old is not None and old["metadata"]["resourceVersion"] != version:
            raise Conflict(f"{ref} has another version")
        new = (
            copy.deepcopy(old)
            if old
            else {
                "apiVersion": manifest["apiVersion"],
                "kind": manifest["kind"],
                "metadata": {"name": ref.name, "namespace": ref.namespace},
            }
        )
        wanted = leaves({"status": manifest["status"]} if sub else _body(manifest, status=False))
        live = leaves(_body(new))
        entries = new["metadata"].get("managedFields") or []
        mine: set[Path] = set()
        others: set[Path] = set()
        for entry in entries:
            same = (entry["manager"], entry["operation"], entry.get("subresource", "")) == (
                manager,
                "Apply",
                sub,
            )
            (mine if same else others).update(paths_in(entry["fieldsV1"]))
        taken = {
            path for path, value in wanted.items() if path in live and _plain(live[path]) != _plain(value)
        }
        for path in mine - set(wanted) - others:
            live.pop(path, None)
        if new["metadata"].get("deletionTimestamp"):
            added = {p for p in wanted if p[:2] == ("f:metadata", "f:finalizers") and p not in live}
            if added:
                raise Permanent(
                    "no new finalizers can be added if the object is being deleted", "ObjectRefused"
                )
        whole = build({**live, **wanted})
        kept = {
            n: v
            for n, v in new["metadata"].items()
            if n not in ("labels", "annotations", "finalizers", "ownerReferences")
        }
        result = {"apiVersion": new["apiVersion"], "kind": new["kind"], **whole}
        result["metadata"] = {**whole.get("metadata", {}), **kept}
        self._own(result, manager, "Apply", set(wanted), lost=taken, sub=sub)
        if ref.kind is TENANT and "spec" not in result:
            raise Permanent("spec: Required value", "ObjectRefused")
        return self._store(ref, old, result)


class MemoryCluster:
    """`Cluster` over a `MemoryApi`."""

    def __init__(self, api: MemoryApi) -> None:
        self.api = api

    async def apply(self, manifest: Manifest, subresource: str = "") -> Manifest:
        """See `Cluster`."""
        ref = ref_of(manifest)
        await self._ask(f"apply_{subresource}" if subresource else "apply", ref)
        return self._done(self.api.apply(copy.deepcopy(manifest), subresource))

    async def delete(self, ref: Ref, uid: str) -> None:
        """See `Cluster`."""
        await self._ask("delete", ref)
        found = self.api.get(ref)
        if found is not None and found["metadata"]["uid"] == uid:
            self.api.remove(ref)
            self._done({})

    async def get(self, ref: Ref) -> Manifest | None:
        """See `Cluster`."""
        await self._ask("get", ref)
        return self.api.get(ref)

    async def create(self, manifest: Manifest) -> Manifest:
        """See `Cluster`."""
        ref = ref_of(manifest)
        await self._ask("create", ref)
        if self.api.get(ref) is not None:
            raise Conflict(f"{ref} is there already")
        return self._done(self.api.put(manifest, FIELD_MANAGER))

    async def replace(self, manifest: Manifest) -> Manifest:
        """See `Cluster`."""
        ref = ref_of(manifest)
        await self._ask("replace", ref)
        found = self.api.get(ref)
        if found is None:
            raise Gone(f"{ref} is not there")
        version = manifest["metadata"].get("resourceVersion")
        if version and version != found["metadata"]["resourceVersion"]:
            raise Conflict(f"{ref} has another version")
        return self._done(self.api.put(manifest, FIELD_MANAGER))

    async def list(self, selection: Selection) -> AsyncIterator[Page]:
        """See `Cluster`."""
        await self._ask("list", Ref(selection.kind, selection.namespace or "", ""))
        if selection.kind in self.api.absent:
            raise Gone(f"{selection.kind.name} is not installed")
        found = [one for one in self.api.all(selection.kind, selection.namespace) if _chosen(one, selection)]
        version = str(self.api.latest)
        for at in range(0, max(1, len(found)), 500):
            yield Page(found[at : at + 500], version)

    async def watch(self, selection: Selection, since: str) -> AsyncIterator[Change]:
        """See `Cluster`."""
        await self._ask("watch", Ref(selection.kind, selection.namespace or "", ""))
        place = _Watch(int(since or 0))
        self.api._watches.add(place)
        try:
            async for change in self._changes(selection, place):
                yield change
        finally:
            self.api._watches.discard(place)

    async def _changes(self, selection: Selection, place: _Watch) -> AsyncIterator[Change]:
        at = place.taken
        while True:
            if at < self.api._oldest:
                raise Expired("the version is too old")
            refused = self.api.refuse("watch", Ref(selection.kind, selection.namespace or "", ""))
            if refused is not None:
                raise refused
            if not self.api.silent:
                told = self.api._history.get(selection.kind, [])
                for version, change in told[bisect_right(told, at, key=itemgetter(0)) :]:
                    at = version
                    namespace = change.object["metadata"].get("namespace")
                    if selection.namespace in (None, namespace) and _chosen(change.object, selection):
                        yield change
                if at < self.api.latest:
                    at = self.api.latest
                    bookmark = {"metadata": {"resourceVersion": str(at)}}
                    yield Change("BOOKMARK", bookmark)
                    continue
                place.taken = at
            async with self.api._news:
                await self.api._news.wait()

    def _done(self, result: Manifest) -> Manifest:
        self.api.after_write()
        return result

    async def _ask(self, verb: str, ref: Ref) -> None:
        await asyncio.sleep(0)
        refused = self.api.refuse(verb, ref)
        if refused is not None:
            raise refused
        if verb in ("get", "list", "watch"):
            self.api.reads += 1
        else:
            self.api.writes.append((verb, ref))


def _body(obj: Manifest, *, status: bool = True) -> dict[str, Any]:
    body = {
        name: value
        for name, value in obj.items()
        if name not in ("apiVersion", "kind", "metadata") and (status or name != "status")
    }
    meta = {
        name: value
        for name, value in obj.get("metadata", {}).items()
        if name in ("labels", "annotations", "finalizers", "ownerReferences") and value
    }
    return {**body, **({"metadata": meta} if meta else {})}


def _default(kind: Kind, obj: Manifest) -> None:
    """A few things that a server adds or spells anew."""
    if kind is not DEPLOYMENT:
        return
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("progressDeadlineSeconds", 600)
    for container in spec.get("template", {}).get("spec", {}).get("containers", []):
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        for amounts in container.get("resources", {}).values():
            for name, value in amounts.items():
                amounts[name] = _plain(value)


def _plain(value: Any) -> Any:
    """Quantities as the server spells them: `1000m` is `1`."""
    if isinstance(value, str) and value.endswith("000m") and value[:-4].isdigit():
        return value[:-4]
    return value


def _without_version(obj: Manifest) -> Manifest:
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("resourceVersion", "generation")}
    return {**obj, "metadata": meta}


def _chosen(obj: Manifest, selection: Selection) -> bool:
    labels = obj["metadata"].get("labels") or {}
    named = selection.fields.removeprefix("metadata.name=")
    if named != selection.fields and named != obj["metadata"]["name"]:
        return False
    return not selection.labels or selection.labels in labels


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
