"""A program is given its cells by a folder, and sees changes while it runs."""

import asyncio
import json
from pathlib import Path

import pytest

from munshi.cells import load_cell, load_cells, watch_cells
from munshi.contracts.ids import CellName
from munshi.errors import UserMistake


def write_cell(root: Path, name: str, **files: str | None) -> Path:
    folder = root / name
    folder.mkdir(exist_ok=True)
    content: dict[str, str | None] = {
        "cell.json": json.dumps({"cell": name, "partitions": 4}),
        "nats-url": "nats://127.0.0.1:4222\n",
        "sealing-key": "00" * 32,
        **files,
    }
    for file, text in content.items():
        if text is None:
            (folder / file).unlink(missing_ok=True)
        else:
            (folder / file).write_text(text)
    return folder


def test_a_cell_is_read_whole(tmp_path: Path) -> None:
    folder = write_cell(tmp_path, "pool", **{"nats.creds": "creds", "database-url": "postgresql://x\n"})
    cell = load_cell(folder)
    assert (cell.name, cell.partitions, cell.nats_url) == ("pool", 4, "nats://127.0.0.1:4222")
    assert (cell.nats_creds, cell.database_url, cell.sealing_key) == ("creds", "postgresql://x", bytes(32))


def test_credentials_and_database_may_be_absent(tmp_path: Path) -> None:
    cell = load_cell(write_cell(tmp_path, "pool"))
    assert cell.nats_creds is None
    assert cell.database_url is None


def test_a_cell_does_not_print_its_secrets(tmp_path: Path) -> None:
    shown = repr(load_cell(write_cell(tmp_path, "pool", **{"database-url": "postgresql://u:hidden@h/d"})))
    assert "hidden" not in shown
    assert "sealing_key" not in shown


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"sealing-key": None}, "sealing-key is missing"),
        ({"sealing-key": "abc"}, "must hold 32 bytes in hex"),
        ({"sealing-key": "00" * 16}, "must hold 32 bytes in hex"),
        ({"nats-url": None}, "nats-url is missing"),
        ({"cell.json": "{}"}, "cell.json is unusable"),
        ({"cell.json": "no json"}, "cell.json is unusable"),
        ({"cell.json": json.dumps({"cell": "a.b"})}, "cell.json is unusable"),
    ],
)
def test_an_unusable_cell_says_why(tmp_path: Path, files: dict[str, str | None], says: str) -> None:
    with pytest.raises(UserMistake, match=says):
        load_cell(write_cell(tmp_path, "pool", **files))


def test_an_unusable_cell_does_not_hide_the_others(tmp_path: Path) -> None:
    write_cell(tmp_path, "pool")
    write_cell(tmp_path, "shops_broken", **{"sealing-key": None})
    (tmp_path / "lost+found").mkdir()
    assert list(load_cells(tmp_path)) == ["pool"]


async def test_changes_are_seen_while_running(tmp_path: Path) -> None:
    write_cell(tmp_path, "pool")
    seen = watch_cells(tmp_path, poll_seconds=0.01)
    async with asyncio.timeout(60):
        assert set(await anext(seen)) == {"pool"}
        write_cell(tmp_path, "shops_a")
        while "shops_a" not in (now := await anext(seen)):
            pass
        assert set(now) == {"pool", "shops_a"}
        write_cell(tmp_path, "pool", **{"nats-url": "nats://127.0.0.1:4223"})
        while now[CellName("pool")].nats_url.endswith("4222"):
            now = await anext(seen)
