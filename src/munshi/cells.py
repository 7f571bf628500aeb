"""The cells that a program serves: a folder with one sub-folder a cell.

On a cluster each is a mounted Secret; on one machine `munshi up` writes them. Files of a cell: `cell.json`
(`{"cell": "pool", "partitions": 16}`), `nats-url`, `nats.creds` (absent: the server wants none),
`database-url` (absent where a program needs no database), `sealing-key` (32 bytes in hex),
`object-store.json` (an `ObjectStoreAddress`; absent where a program needs no object store).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from munshi.contracts.ids import CellName
from munshi.errors import UserMistake

DEFAULT_PARTITIONS = 16
POLL_SECONDS = 0.5

_log = structlog.get_logger()


class _CellFile(BaseModel):
    cell: str = Field(pattern=r"^[a-z0-9]([-_a-z0-9]{0,126}[a-z0-9])?$")
    partitions: int = Field(default=DEFAULT_PARTITIONS, ge=1, le=999)


class ObjectStoreAddress(BaseModel):
    """Where a cell's objects lie, and the key that opens its prefix and no other."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str = Field(pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|file:///.+)$")
    """`s3://bucket` or `file:///folder`."""
    prefix: str = Field(pattern=r"^([a-z0-9_-]+/)+$")
    """What the names of all of the cell's objects begin with: `cells/pool/`."""
    endpoint: str = ""
    """URL of the S3 server; empty is Amazon's."""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: SecretStr = SecretStr("")
    allow_http: bool = False
    """The endpoint may be reached without TLS."""
    encryption: Literal["", "AES256", "aws:kms"] = ""
    """What the store is asked to encrypt each object with; empty leaves it to the bucket's own setting."""
    kms_key: str = ""
    """Which key, for `aws:kms`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One isolation unit, with what opens its servers."""

    name: CellName
    partitions: int
    nats_url: str
    nats_creds: str | None
    """Content of the `.creds` file: JWT and seed."""
    database_url: str | None = field(repr=False)
    sealing_key: bytes = field(repr=False)
    object_store: ObjectStoreAddress | None = field(default=None, repr=False)


def load_cell(folder: Path) -> Cell:
    """Reads one cell.

    Raises:
        UserMistake: a file is missing or unusable; says which.
    """
    try:
        described = _CellFile.model_validate_json((folder / "cell.json").read_text())
        creds = folder / "nats.creds"
        database = folder / "database-url"
        return Cell(
            name=CellName(described.cell),
            partitions=described.partitions,
            nats_url=(folder / "nats-url").read_text().strip(),
            nats_creds=creds.read_text() if creds.exists() else None,
            database_url=database.read_text().strip() if database.exists() else None,
            sealing_key=_key(folder / "sealing-key"),
            object_store=_object_store(folder / "object-store.json"),
        )
    except FileNotFoundError as error:
        raise UserMistake(f"cell {folder.name}: the file {error.filename} is missing") from error
    except ValidationError as error:
        raise UserMistake(f"cell {folder.name}: cell.json is unusable: {error.errors()[0]['msg']}") from error


def _object_store(path: Path) -> ObjectStoreAddress | None:
    if not path.exists():
        return None
    try:
        return ObjectStoreAddress.model_validate_json(path.read_text())
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise UserMistake(
            f"cell {path.parent.name}: {path.name} is unusable: {where}: {wrong['msg']}"
        ) from None


def _key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UserMistake(f"{path.name} of cell {path.parent.name} must hold 32 bytes in hex")
    return key


def load_cells(folder: Path) -> dict[CellName, Cell]:
    """All usable cells of a folder; an unusable one is logged and left out."""
    cells: dict[CellName, Cell] = {}
    for entry in sorted(folder.glob("*/cell.json")):
        try:
            cell = load_cell(entry.parent)
        except UserMistake as error:
            _log.error("cell_unusable", cell=entry.parent.name, reason=str(error))
            continue
        cells[cell.name] = cell
    return cells


async def watch_cells(
    folder: Path, poll_seconds: float = POLL_SECONDS
) -> AsyncIterator[Mapping[CellName, Cell]]:
    """Yields the cells now, and again whenever a cell came, went or changed. Never ends by itself.

    Polls, since mounted Secrets are swapped by links that file events miss.
    """
    last: dict[CellName, Cell] | None = None
    while True:
        cells = await asyncio.to_thread(load_cells, folder)
        if cells != last:
            last = cells
            yield cells
        await asyncio.sleep(poll_seconds)
