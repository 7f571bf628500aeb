"""The port to the Kubernetes API, and the errors that cross it. Pure."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from munshi.errors import Permanent, Retryable
from munshi_operator.kinds import Kind, Ref
from munshi_operator.types import Manifest

FIELD_MANAGER = "munshi-operator"

UNMADE = "1"
"""A `resourceVersion` that no object ever has (etcd's first write is 2): an apply that names it makes the
object, and is refused where one stands already."""


class Conflict(Retryable):
    """Somebody else wrote first, or the object is another one than was meant."""


class Expired(Retryable):
    """A watch asked for a version that the server has forgotten: list again."""


class Gone(Permanent):
    """The object, or its kind, is not there."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Gone")


class NotLeading(Retryable):
    """This process may not write: the lease is not, or no longer, its own."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a kind are listed or watched."""

    kind: Kind
    namespace: str | None = None
    """`None`: all namespaces."""
    labels: str = ""
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects of a list, and the version of the whole list."""

    items: list[Manifest]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a watch. A bookmark's object has only a version."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Manifest


class Cluster(Protocol):
    """What the operator asks of the API server.

    Raises, everywhere:
        Retryable: the server is away, busy, or refuses for a while; with the wait that it asked for.
        Permanent: it refuses for good, with a CamelCase reason.
    """

    async def apply(self, manifest: Manifest, subresource: str = "") -> Manifest:
        """Server-side apply with the operator's field manager, by force; returns the whole object.

        A manifest with a `uid` never makes a new object; one with the `resourceVersion` `UNMADE` makes a new
        one or nothing.

        Raises:
            Conflict: the object has another uid, or another version than the manifest names.
            Gone: the subresource's object or the namespace is not there.
        """
        ...

    async def delete(self, ref: Ref, uid: str) -> None:
        """Deletes the object with just that uid; one that is gone already is fine."""
        ...

    async def get(self, ref: Ref) -> Manifest | None:
        """Reads one object. Never in the loop: for leases only."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Makes a new object.

        Raises:
            Conflict: it is there already.
        """
        ...

    async def replace(self, manifest: Manifest) -> Manifest:
        """Writes an object over the version that the manifest names.

        Raises:
            Conflict: it has another version by now.
        """
        ...

    def list(self, selection: Selection) -> AsyncIterator[Page]:
        """All objects, page by page.

        Raises:
            Gone: the kind is not installed.
        """
        ...

    def watch(self, selection: Selection, since: str) -> AsyncIterator[Change]:
        """Changes after a version, with bookmarks, until the server ends the stream.

        Raises:
            Expired: the version is too old.
        """
        ...
