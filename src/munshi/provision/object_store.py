"""A cell's place in the object store, and the file that tells the media service of it."""

import shutil
from pathlib import Path

import orjson
from pydantic import SecretStr

from munshi.cells import ObjectStoreAddress
from munshi.contracts.ids import CellName, TenantKey


def prefix_of_cell(cell: CellName) -> str:
    """Where a cell's objects lie. Ends with `/`, so that `cells/shops_a/` is not also `cells/shops_ab/`."""
    return f"cells/{cell}/"


def folder_address(root: Path, cell: CellName) -> ObjectStoreAddress:
    """A cell's part of a folder of this machine. `root` is absolute."""
    return ObjectStoreAddress(url=root.as_uri(), prefix=prefix_of_cell(cell))


def bucket_address(
    url: str, cell: CellName, *, endpoint: str, region: str, access_key: str, secret_key: str
) -> ObjectStoreAddress:
    """A cell's part of a bucket (`url` is `s3://bucket`), with the keys of the cell's user. An `endpoint` of
    `http://` is reached without TLS; an empty one is Amazon's."""
    return ObjectStoreAddress(
        url=url,
        prefix=prefix_of_cell(cell),
        endpoint=endpoint,
        region=region,
        access_key=access_key,
        secret_key=SecretStr(secret_key),
        allow_http=endpoint.startswith("http://"),
    )


def object_store_text(address: ObjectStoreAddress) -> str:
    """Content of `object-store.json` in a cell's folder or Secret; the same text each time."""
    values = address.model_dump(exclude_defaults=True)
    if "secret_key" in values:
        values["secret_key"] = address.secret_key.get_secret_value()
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


def erase(root: Path, cell: CellName, tenant: TenantKey) -> None:
    """Takes a tenant's objects in a folder away for good; one that has none is fine."""
    shutil.rmtree(root / prefix_of_cell(cell) / tenant, ignore_errors=True)
