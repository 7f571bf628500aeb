"""A cell's place in the object store: none, a folder, or an S3 server with MinIO's admin API."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import structlog
import urllib3
from minio import Minio, MinioAdmin
from minio.commonconfig import CopySource
from minio.credentials.providers import StaticProvider
from minio.deleteobjects import DeleteObject
from minio.error import MinioAdminException, MinioException

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL
from munshi.errors import Permanent, Retryable, UserMistake
from munshi.provision.derived_keys import MasterKey
from munshi.provision.object_store import (
    bucket_address,
    folder_address,
    object_store_text,
    prefix_of_cell,
)
from munshi_operator.outside.policies import cell_policy, policy_name, prefix_of, user_of
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.types import Part

_log = structlog.get_logger()

_SECONDS = 15.0
_PASSING = (429, 500, 502, 503, 504)
"""Statuses of a store that is busy, or has begun to answer before it knows its users: nothing was refused."""

Got = TypeVar("Got")


class Storage(Protocol):
    """Every call may run again.

    Raises (all):
        Retryable: the store is away or busy.
        Permanent: it refuses, and will again.
    """

    async def ensure(self, cell: CellName) -> list[str]:
        """Makes user, key and policy of a cell; names what was not so."""
        ...

    async def move(self, key: TenantKey, old: CellName, new: CellName) -> None:
        """Takes a tenant's objects along to another cell's prefix."""
        ...

    async def shut_out(self, cell: CellName) -> None:
        """Takes a cell's key away; its objects stay."""
        ...

    async def erase(self, cell: CellName, key: TenantKey) -> None:
        """Takes a tenant's objects away for good."""
        ...

    def part(self) -> Part:
        """What the status says when all is well."""
        ...

    def address(self, cell: CellName) -> str | None:
        """What the cell's media service is given, as `object-store.json`; `None`: none can run. No I/O."""
        ...


class NoStorage:
    """No object store is given."""

    async def ensure(self, cell: CellName) -> list[str]:
        """Nothing."""
        del cell
        return []

    async def move(self, key: TenantKey, old: CellName, new: CellName) -> None:
        """Nothing."""

    async def shut_out(self, cell: CellName) -> None:
        """Nothing."""

    async def erase(self, cell: CellName, key: TenantKey) -> None:
        """Nothing."""

    def part(self) -> Part:
        """That none is needed is fine."""
        return Part(
            True,
            "NotConfigured",
            "no object store is set up, so no media service runs: texts are answered, pictures, sound and "
            "documents are not read",
        )

    def address(self, cell: CellName) -> str | None:
        """No media service."""
        del cell
        return None


@dataclass(frozen=True, slots=True)
class UnmanagedStorage(NoStorage):
    """A bucket whose server's admin API is not given: its users, policies and objects are somebody else's."""

    bucket: str

    async def erase(self, cell: CellName, key: TenantKey) -> None:
        """Nothing can be deleted; what is left is named in the log."""
        _log.warning("objects_left", bucket=self.bucket, prefix=prefix_of(cell, key))

    def part(self) -> Part:
        """That nothing was set up, and which setting is missing."""
        return Part(
            True,
            "NotSetUp",
            f"nothing was set up in the bucket {self.bucket}: no user, key or policy, so no media "
            "service runs; "
            "give MUNSHI_OPERATOR_OBJECT_STORE_ENDPOINT (objectStore.endpoint in the chart's values) the URL "
            "of its server's admin API, with an access key and a secret key",
        )


@dataclass(frozen=True, slots=True)
class FolderStorage:
    """A folder that all pods mount. It has no users: who may mount it sees all of it."""

    root: Path

    async def ensure(self, cell: CellName) -> list[str]:
        """Makes the cell's folder."""
        folder = self.root / prefix_of_cell(cell)
        if folder.is_dir():
            return []
        await self._do(lambda: folder.mkdir(parents=True, exist_ok=True))
        return ["storage folder"]

    async def move(self, key: TenantKey, old: CellName, new: CellName) -> None:
        """Renames, file by file where some are there already."""
        source, target = self.root / prefix_of(old, key), self.root / prefix_of(new, key)
        await self._do(lambda: _merge(source, target))

    async def shut_out(self, cell: CellName) -> None:
        """Nothing: there are no keys."""

    async def erase(self, cell: CellName, key: TenantKey) -> None:
        """Deletes the folder."""
        await self._do(lambda: _remove(self.root / prefix_of(cell, key)))

    def part(self) -> Part:
        """A folder."""
        return Part(True, "Ready", "media is kept in a folder")

    def address(self, cell: CellName) -> str | None:
        """The folder."""
        return object_store_text(folder_address(self.root, cell))

    async def _do(self, work: Callable[[], Got]) -> Got:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Retryable(f"the folder of the object store cannot be used: {error}") from error


@dataclass(frozen=True, slots=True)
class PodStorage(NoStorage):
    """A folder on a volume of each media pod, for a try: the operator sees none of it, and what a tenant's
    own pod keeps goes with it."""

    folder: Path

    async def erase(self, cell: CellName, key: TenantKey) -> None:
        """Nothing can be deleted from here; what is left in the pool's volume is named in the log."""
        if cell == POOL:
            _log.warning("objects_left", folder=str(self.folder), prefix=prefix_of(cell, key))

    def part(self) -> Part:
        """That nothing lasts."""
        return Part(True, "ForTrial", "media is kept on the media pods' own volumes, for a try alone")

    def address(self, cell: CellName) -> str | None:
        """The folder in the pod."""
        return object_store_text(folder_address(self.folder, cell))


def _merge(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    for path in [one for one in source.rglob("*") if one.is_file()]:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    shutil.rmtree(source)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class S3Storage:
    """A bucket, with a user and a policy for each cell. The library blocks, so it runs in threads."""

    bucket: str
    endpoint: str
    """URL, as operator and pods reach it."""
    region: str
    data: Minio
    admin: MinioAdmin
    master: MasterKey = field(repr=False)

    async def ensure(self, cell: CellName) -> list[str]:
        """Makes what differs: the policy, the user, the bond between them."""
        return await self._do(lambda: self._ensure(cell))

    def _ensure(self, cell: CellName) -> list[str]:
        user, name, wanted = user_of(cell), policy_name(cell), cell_policy(self.bucket, cell)
        made = []
        if _in_order(_known(lambda: self.admin.policy_info(name))) != _in_order(wanted):
            self.admin.policy_add(name, policy=wanted)
            made.append("storage policy")
        held = _known(lambda: self.admin.user_info(user)) or {}
        if held.get("status") != "enabled":
            self.admin.user_add(user, self.master.storage_secret(cell))
            made.append("storage user")
        if held.get("policyName") != name:
            self.admin.policy_set(name, user=user)
            made.append("storage policy of the user")
        return made

    async def move(self, key: TenantKey, old: CellName, new: CellName) -> None:
        """Copies within the server, then deletes what was copied."""
        await self._do(lambda: self._move(prefix_of(old, key), prefix_of(new, key)))

    def _move(self, source: str, target: str) -> None:
        for found in self.data.list_objects(self.bucket, prefix=source, recursive=True):
            name = str(found.object_name)
            self.data.copy_object(
                self.bucket, target + name.removeprefix(source), CopySource(self.bucket, name)
            )
            self.data.remove_object(self.bucket, name)

    async def shut_out(self, cell: CellName) -> None:
        """Deletes user and policy."""
        await self._do(lambda: self._shut_out(cell))

    def _shut_out(self, cell: CellName) -> None:
        user, name = user_of(cell), policy_name(cell)
        if _known(lambda: self.admin.user_info(user)) is not None:
            self.admin.user_remove(user)
        if _known(lambda: self.admin.policy_info(name)) is not None:
            self.admin.policy_remove(name)

    async def erase(self, cell: CellName, key: TenantKey) -> None:
        """Deletes every object under the prefix."""
        await self._do(lambda: self._erase(prefix_of(cell, key)))

    def _erase(self, prefix: str) -> None:
        found = self.data.list_objects(self.bucket, prefix=prefix, recursive=True, include_version=True)
        doomed = (DeleteObject(str(one.object_name), one.version_id) for one in found)
        left = list(self.data.remove_objects(self.bucket, doomed))
        if left:
            raise Retryable(f"{len(left)} objects could not be deleted: {left[0].code}")

    def part(self) -> Part:
        """A bucket."""
        return Part(True, "Ready", f"media is kept in the bucket {self.bucket}")

    def address(self, cell: CellName) -> str | None:
        """The cell's part of the bucket, with its own key."""
        made = bucket_address(
            f"s3://{self.bucket}",
            cell,
            endpoint=self.endpoint,
            region=self.region,
            access_key=user_of(cell),
            secret_key=self.master.storage_secret(cell),
        )
        return object_store_text(made)

    async def _do(self, work: Callable[[], Got]) -> Got:
        try:
            return await asyncio.to_thread(work)
        except (MinioAdminException, MinioException) as error:
            raise Permanent(
                f"the object store refused: {error}; see that its key may make users and policies",
                "StorageRefused",
            ) from error
        except urllib3.exceptions.MaxRetryError as error:
            raise Retryable(f"the object store does not answer: {error.reason}; tried again") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Retryable(f"the object store does not answer: {error}; tried again") from error


def _in_order(document: Any) -> Any:
    """A policy with its lists sorted: MinIO keeps them as sets, and tells them in any order."""
    if isinstance(document, dict):
        return {name: _in_order(value) for name, value in document.items()}
    if isinstance(document, list):
        return sorted((_in_order(one) for one in document), key=json.dumps)
    return document


def _known(ask: Callable[[], str]) -> dict[str, Any] | None:
    """What the server knows, or `None` where it knows nothing of that name."""
    try:
        found: dict[str, Any] = json.loads(ask())
    except MinioAdminException as error:
        if "NoSuch" in str(error):
            return None
        raise
    return found


def open_storage(url: str, settings: OutsideSettings, master: MasterKey) -> Storage:
    """The store that the settings name: `s3://bucket`, `file:///folder`, `pod:///folder`, or none.

    Raises:
        UserMistake: the URL is none of these, or the endpoint is missing.
    """
    parts = urlsplit(url)
    if not url:
        return NoStorage()
    if parts.scheme == "file" and parts.path:
        return FolderStorage(Path(parts.path))
    if parts.scheme == "pod" and parts.path:
        return PodStorage(Path(parts.path))
    if parts.scheme != "s3" or not parts.netloc:
        raise UserMistake(f"the object store {url!r} is neither s3://bucket nor file:///folder")
    if not settings.object_store_endpoint:
        # Users and policies of a bucket whose server has no such API are made by whoever runs it.
        return UnmanagedStorage(parts.netloc)
    endpoint = urlsplit(settings.object_store_endpoint)
    secret = settings.object_store_secret_key.get_secret_value()
    if not (endpoint.netloc and settings.object_store_access_key and secret):
        raise UserMistake(
            "the object store needs MUNSHI_OPERATOR_OBJECT_STORE_ENDPOINT as a URL, and the access key and "
            "secret key of somebody who may make users and policies there"
        )
    # Tried again by the pass, not by the client; which statuses are no answer is still told by it.
    once = urllib3.Retry(0, redirect=False, status_forcelist=_PASSING, allowed_methods=None)
    client = urllib3.PoolManager(timeout=urllib3.Timeout(_SECONDS), retries=once, maxsize=8)
    secure = endpoint.scheme == "https"
    return S3Storage(
        bucket=parts.netloc,
        endpoint=settings.object_store_endpoint,
        region=settings.object_store_region,
        data=Minio(
            endpoint=endpoint.netloc,
            access_key=settings.object_store_access_key,
            secret_key=secret,
            region=settings.object_store_region,
            secure=secure,
            http_client=client,
        ),
        admin=MinioAdmin(
            endpoint=endpoint.netloc,
            credentials=StaticProvider(settings.object_store_access_key, secret),
            region=settings.object_store_region,
            secure=secure,
            http_client=client,
        ),
        master=master,
    )
