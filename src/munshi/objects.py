"""The object store: a cell's folder or S3 bucket, and in it one tenant's prefix at a time.

`obstore` does the work; here its names are kept within the prefix and its errors become the house's own. On
S3 the cell's key opens the cell's prefix only; within a cell a tenant's prefix is kept apart by this module.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions as failures
from obstore.store import LocalStore, S3Store

from munshi.cells import ObjectStoreAddress
from munshi.contracts.ids import TenantKey
from munshi.errors import Permanent, Retryable

if TYPE_CHECKING:
    from obstore.store import S3Config

PART_BYTES = 8 * 1024 * 1024
"""A part of an upload; S3 wants 5 MB or more. Two are under way at once: 16 MB, whatever the size."""
READ_BYTES = 1024 * 1024
_SECONDS = 30
_TENANT = re.compile(r"[a-z0-9][-a-z0-9]*_[a-z0-9][-a-z0-9]*")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*(/[A-Za-z0-9][A-Za-z0-9._=-]*)*")
_MAX_KEY = 512
_REFUSALS = ("code: AccessDenied", "403 Forbidden", "401 Unauthorized")


class ObjectMissing(Permanent):
    """There is no such object."""

    def __init__(self) -> None:
        super().__init__("there is no such object", "object_missing")


class StoreRefused(Retryable):
    """The store does not let us: the key is wrong or expired, or the disk's rights are. Somebody mends it;
    until then everything is asked again."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object."""

    key: str
    """Below the prefix that was listed or asked."""
    size: int
    """Bytes."""
    modified: datetime


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (failures.NotFoundError, FileNotFoundError):
        raise ObjectMissing from None
    except (failures.PermissionDeniedError, failures.UnauthenticatedError, PermissionError) as error:
        raise StoreRefused(f"the object store refused: {type(error).__name__}", 5.0) from None
    except (failures.BaseError, OSError) as error:
        # Listings and deletions have no error of their own for it.
        if any(sign in str(error) for sign in _REFUSALS):
            raise StoreRefused("the object store refused", 5.0) from None
        # The library's texts hold URLs with keys' names: the kind is enough.
        raise Retryable(f"the object store failed: {type(error).__name__}", 1.0) from None


class ObjectStore:
    """A cell's part of the store.

    Raises (all calls):
        Retryable: the store is away, busy, full or refuses.
        ObjectMissing: where one object is asked for that is not there.
        Permanent: a name that leaves its prefix.
    """

    def __init__(self, address: ObjectStoreAddress) -> None:
        """Opens nothing yet."""
        self.address = address
        self._root: Path | None = None
        self._store = self._open(address)

    def _open(self, address: ObjectStoreAddress) -> LocalStore | S3Store:
        parts = urlsplit(address.url)
        if parts.scheme == "file":
            self._root = Path(unquote(parts.path)) / address.prefix
            with _translated():
                # Folders are named for hashes of bytes and messages: they go with their last object.
                return LocalStore(self._root, mkdir=True, automatic_cleanup=True)
        config: S3Config = {}
        if address.encryption:
            config["server_side_encryption"] = address.encryption
        if address.kms_key:
            config["sse_kms_key_id"] = address.kms_key
        return S3Store(
            parts.netloc,
            prefix=address.prefix,
            endpoint=address.endpoint or None,
            region=address.region,
            access_key_id=address.access_key or None,
            secret_access_key=address.secret_key.get_secret_value() or None,
            client_options={
                "allow_http": address.allow_http,
                "timeout": f"{_SECONDS}s",
                "connect_timeout": "3s",
            },
            retry_config={
                "max_retries": 2,
                "retry_timeout": timedelta(seconds=5),
                "backoff": {
                    "base": 2,
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                },
            },
            config=config,
        )

    @property
    def root(self) -> Path | None:
        """The folder that the cell's objects lie in; `None` where it is no folder."""
        return self._root

    def of(self, tenant: TenantKey | str) -> "TenantObjects":
        """One tenant's part.

        Raises:
            Permanent: that is no tenant's key.
        """
        if not _TENANT.fullmatch(tenant):
            raise Permanent("no tenant's key", "other_key")
        return TenantObjects(self, TenantKey(tenant))

    async def put(self, key: str, data: bytes | Path, mime_type: str | None = None) -> None:
        """Writes an object whole or not at all, over what was there. A file goes up in parts."""
        # A folder keeps no attributes.
        attributes = {"Content-Type": mime_type} if mime_type and self._root is None else None
        with _translated():
            if isinstance(data, bytes):
                await obstore.put_async(
                    self._store,
                    key,
                    data,
                    attributes=attributes,
                    use_multipart=False,
                )
                return
            await obstore.put_async(
                self._store,
                key,
                data,
                attributes=attributes,
                chunk_size=PART_BYTES,
                max_concurrency=2,
            )

    async def get(self, key: str) -> bytes:
        """A small object's bytes."""
        try:
            with _translated():
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())
        except StoreRefused:
            raise await self._why_refused(key) from None

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """An object's bytes, piece by piece."""
        try:
            with _translated():
                found = await obstore.get_async(self._store, key)
        except StoreRefused:
            raise await self._why_refused(key) from None
        with _translated():
            async for piece in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(piece)

    async def find(self, key: str) -> ObjectInfo | None:
        """What is known of an object; `None` where there is none."""
        try:
            with _translated():
                found = await obstore.head_async(self._store, key)
        except ObjectMissing:
            return None
        except StoreRefused:
            why = await self._why_refused(key)
            if isinstance(why, ObjectMissing):
                return None
            raise why from None
        return ObjectInfo(key, found["size"], found["last_modified"])

    async def _why_refused(self, key: str) -> StoreRefused | ObjectMissing:
        """Amazon's S3 hides from who may list a prefix only whether an object is missing: it says 403, not
        404. Listing the place tells."""
        folder, _, name = key.rpartition("/")
        before = f"{folder}/{name[:-1]}" if folder else name[:-1]
        with _translated():
            async for portion in obstore.list(self._store, folder or None, offset=before, chunk_size=50):
                if any(one["path"] == key for one in portion):
                    return StoreRefused("the object store refused an object that is there", 5.0)
                break
        return ObjectMissing()

    async def list(self, prefix: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """All objects below a prefix (whole segments, ending with `/`), in portions of up to 1,000."""
        with _translated():
            async for portion in obstore.list(self._store, prefix or None, chunk_size=1000):
                yield [ObjectInfo(one["path"], one["size"], one["last_modified"]) for one in portion]

    async def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects; one that is gone is fine."""
        if self._root is None:
            with _translated():
                await obstore.delete_async(self._store, list(keys))
            return
        for key in keys:
            with contextlib.suppress(ObjectMissing), _translated():
                await obstore.delete_async(self._store, key)

    async def sign(self, key: str, seconds: int) -> str | None:
        """A URL that opens an object for a while; `None` where the store signs none (a folder)."""
        if isinstance(self._store, LocalStore):
            return None
        with _translated():
            return str(await obstore.sign_async(self._store, "GET", key, timedelta(seconds=seconds)))

    async def probe(self) -> None:
        """Asks for something that is not there: whether the store answers."""
        await self.find("probe")


class TenantObjects:
    """One tenant's objects. Raises as `ObjectStore` does."""

    def __init__(self, store: ObjectStore, tenant: TenantKey) -> None:
        """Made by `ObjectStore.of`."""
        self._store = store
        self._prefix = f"{tenant}/"

    def full(self, key: str) -> str:
        """The key below the cell's prefix.

        Raises:
            Permanent: it would leave the tenant's prefix.
        """
        if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
            raise Permanent("no key of an object", "bad_key")
        return self._prefix + key

    def path(self, key: str) -> Path | None:
        """Where an object lies on this machine; `None` where the store is no folder."""
        root = self._store.root
        return None if root is None else root / self.full(key)

    async def put(self, key: str, data: bytes | Path, mime_type: str | None = None) -> None:
        """As `ObjectStore.put`."""
        await self._store.put(self.full(key), data, mime_type)

    async def get(self, key: str) -> bytes:
        """As `ObjectStore.get`."""
        return await self._store.get(self.full(key))

    async def get_or_none(self, key: str) -> bytes | None:
        """A small object's bytes; `None` where there is none."""
        try:
            return await self.get(key)
        except ObjectMissing:
            return None

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """As `ObjectStore.read`."""
        async for piece in self._store.read(self.full(key)):
            yield piece

    async def find(self, key: str) -> ObjectInfo | None:
        """As `ObjectStore.find`."""
        return await self._store.find(self.full(key))

    async def list(self, prefix: str) -> list[str]:
        """Keys below a prefix (whole segments, without a `/` at the end): for small ones."""
        found = [one async for portion in self._store.list(f"{self.full(prefix)}/") for one in portion]
        return [one.key.removeprefix(self._prefix) for one in found]

    async def delete(self, *keys: str) -> None:
        """As `ObjectStore.delete`."""
        await self._store.delete([self.full(key) for key in keys])

    async def sign(self, key: str, seconds: int) -> str | None:
        """As `ObjectStore.sign`."""
        return await self._store.sign(self.full(key), seconds)
