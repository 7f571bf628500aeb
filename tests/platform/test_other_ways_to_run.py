"""`munshi up` by an ordinary user, with servers that are there already, and without the emulator."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from munshi.embedded.confinement import Confinement
from munshi.embedded.nats import program
from munshi.embedded.processes import ProcessSpec, start, stop
from munshi_emulator.client import EmulatorClient
from rig.platform import EXAMPLES, PlatformRig, platform_in
from rig.ports import free_port
from rig.servers import Servers
from rig.waiting import wait_for

SHARMA = "106540352242922"
_NOBODY = 65534
_CAP_DAC_READ_SEARCH = 2


async def _balance(platform: PlatformRig) -> str:
    async with EmulatorClient(platform.emulator) as client:
        await client.say(SHARMA, "919800000009", "Ramesh ko 500 ka maal udhaar diya")
        await client.wait_for(1, direction="out", timeout_seconds=90)
        await client.say(SHARMA, "919800000009", "Ramesh ka kitna baaki hai?")
        answers = await client.wait_for(2, direction="out", timeout_seconds=90)
        return str(answers[-1]["body"]["text"]["body"])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may pass through; pytest's own are closed."""
    folder = Path("/tmp") / f"munshi-test-{os.getpid()}"  # noqa: S108 (must be reachable by another user)
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _owners(root: Path) -> set[int]:
    """Whom all that lies there belongs to. It is in use: what goes meanwhile is passed over."""
    found = set()
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                found.add(Path(folder, name).stat().st_uid)
    return found


@pytest.mark.skipif(
    os.geteuid() != 0, reason="becomes another user: needs root; an ordinary user is the rest"
)
async def test_an_ordinary_user_runs_it_all(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, _NOBODY, _NOBODY)
    # The capability lets `nobody` read this checkout and Python wherever they lie; it writes nothing.
    ordinary = Confinement(_NOBODY, _NOBODY, capability=_CAP_DAC_READ_SEARCH)
    environment = {"HOME": str(home), "XDG_STATE_HOME": ""}
    with platform_in(
        home / ".local" / "state" / "munshi", confinement=ordinary, environment=environment
    ) as platform:
        platform.up("--tenants", str(EXAMPLES))
        assert "500" in await _balance(platform)
        assert _owners(platform.data) == {_NOBODY}
        assert platform.munshi("down").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root")
def test_a_folder_of_another_user_is_a_clear_message(open_folder: Path) -> None:
    mine = open_folder / "data"
    mine.mkdir(mode=0o700)
    ordinary = Confinement(_NOBODY, _NOBODY, capability=_CAP_DAC_READ_SEARCH)
    with platform_in(mine, confinement=ordinary) as platform:
        done = platform.munshi("up", "--port", str(platform.port))
    assert done.returncode == 1, done.stderr
    assert "no permission for" in done.stderr
    assert "--data" in done.stderr
    assert list(mine.iterdir()) == []


@pytest.fixture
def plain_nats(tmp_path: Path) -> Iterator[str]:
    """A NATS server without accounts, as somebody may have one already."""
    port = free_port()
    folder = tmp_path / "plain-nats"
    argv = (str(program()), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder))
    spec = ProcessSpec("nats", argv, tmp_path / "nats.log", stop_signal=signal.SIGTERM)
    process = start(spec)
    wait_for(lambda: spec.log.exists() and "Server is ready" in spec.log.read_text(), "NATS is ready")
    yield f"nats://127.0.0.1:{port}"
    stop(process, spec)


async def test_servers_that_are_there_already(tmp_path: Path, own_servers: Servers, plain_nats: str) -> None:
    with platform_in(tmp_path / "data") as platform:
        platform.up(
            "--tenants",
            str(EXAMPLES),
            "--database-url",
            own_servers.admin_url("theirs"),
            "--nats-url",
            plain_nats,
        )
        report = platform.status()
        assert {process["name"] for process in report["processes"]} == {
            "emulator",
            "ingress",
            "media",
            "orchestrator",
        }
        assert report["nats"]["url"] == plain_nats
        assert report["database"]["url"] == own_servers.admin_url("theirs")
        assert "500" in await _balance(platform)
        assert not (platform.data / "postgres").exists()
        assert platform.munshi("down").returncode == 0
        assert own_servers.postgres_program.ready()


def test_another_graph_api_takes_the_emulators_place(tmp_path: Path) -> None:
    with platform_in(tmp_path / "data") as platform:
        platform.up("--tenants", str(EXAMPLES), "--graph-url", "http://127.0.0.1:9")
        report = platform.status()
        assert report["endpoints"]["emulator"] is None
        assert "emulator" not in {process["name"] for process in report["processes"]}
        environment = Path(f"/proc/{platform.process('orchestrator')['pid']}/environ").read_bytes()
        assert b"MUNSHI_GRAPH_URL=http://127.0.0.1:9\0" in environment


def test_help_is_there_at_once() -> None:
    argv = [sys.executable, "-X", "importtime", "-m", "munshi.cli", "up", "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"nats", "asyncpg", "sqlalchemy", "alembic", "rich.table", "psutil"}
