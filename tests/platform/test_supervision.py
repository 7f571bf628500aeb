"""`munshi up` under attack: processes killed, the supervisor killed, stopped, started again."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from munshi_emulator.client import EmulatorClient
from rig.disks import small_disk
from rig.platform import EXAMPLES, PlatformRig, platform_in
from rig.waiting import wait_for

NAMES = ["ingress", "orchestrator", "media", "emulator", "nats", "postgres"]
SHARMA = "106540352242922"


@pytest.fixture
def running(platform: PlatformRig) -> PlatformRig:
    """The platform of this file, started again where a test before has stopped it."""
    if platform.munshi("status").returncode != 0:
        platform.down()
        platform.up("--tenants", str(EXAMPLES))
    wait_for(lambda: platform.status()["ready"], "all is ready")
    return platform


@pytest.fixture
def stopped(platform: PlatformRig) -> PlatformRig:
    """The same, not running."""
    platform.down()
    return platform


async def _ask(platform: PlatformRig, text: str, person: str) -> str:
    async with EmulatorClient(platform.emulator) as client:
        known = await client.messages(person=person, direction="out")
        await client.say(SHARMA, person, text)
        after = known[-1]["seq"] if known else 0
        (answer, *_) = await client.wait_for(
            1, person=person, direction="out", after=after, timeout_seconds=90
        )
        return str(answer["body"]["text"]["body"])


@pytest.mark.parametrize("name", NAMES)
async def test_a_killed_process_is_started_again_within_two_seconds(running: PlatformRig, name: str) -> None:
    """As the supervisor decides: how long Python's imports take is the machine's."""
    platform, before = running, len(_told(running, "process_died"))
    old = platform.process(name)["pid"]
    os.kill(old, signal.SIGKILL)
    wait_for(
        lambda: (one := platform.process(name))["pid"] not in {None, old} and one["ready"], f"{name} is back"
    )
    assert platform.process(name)["restarts"] >= 1
    died = [event for event in _told(platform, "process_died")[before:] if event["process"] == name]
    assert died[0]["delay"] < 2
    wait_for(lambda: platform.status()["ready"], "all is ready again")
    person = f"91980000010{NAMES.index(name)}"
    assert "500" in await _ask(platform, "Ramesh ko 500 ka maal udhaar diya", person)


def _told(platform: PlatformRig, event: str) -> list[dict[str, Any]]:
    lines = (platform.data / "logs" / "supervisor.log").read_text().splitlines()
    return [told for told in map(json.loads, lines) if told["event"] == event]


async def test_a_killed_supervisor_leaves_nothing_and_the_next_start_goes_on(running: PlatformRig) -> None:
    platform = running
    await _ask(platform, "Suresh ko 700 udhaar diya", "919800000002")
    family = platform.family()
    assert len(family) >= 6
    assert platform.supervisor is not None
    os.kill(platform.supervisor_id().pid, signal.SIGKILL)
    wait_for(lambda: not any(process.alive for process in family), "nothing of it runs")
    platform.supervisor.wait()
    assert platform.munshi("status").returncode == 1
    platform.up("--tenants", str(EXAMPLES))
    assert "700" in await _ask(platform, "Suresh ka kitna baaki hai?", "919800000002")


def test_down_stops_all_and_says_so(running: PlatformRig) -> None:
    platform = running
    family = platform.family()
    done = platform.munshi("down")
    assert (done.returncode, done.stdout) == (0, "stopped\n")
    assert not any(process.alive for process in family)
    assert platform.supervisor is not None
    assert platform.supervisor.wait(120) == 0
    status = platform.munshi("status", "--json")
    assert status.returncode == 1
    report = json.loads(status.stdout)
    assert report["ready"] is False
    assert report["processes"] == []
    assert len(report["tenants"]) == 3
    again = platform.munshi("down")
    assert (again.returncode, "nothing is running" in again.stdout) == (0, True)
    order = [event["process"] for event in _told(platform, "process_stopped")]
    assert order[-6:] == NAMES


def test_commands_that_need_a_platform_say_that_none_runs(stopped: PlatformRig) -> None:
    for command in (
        ["apply", "-f", str(EXAMPLES / "gupta-traders.yaml")],
        ["delete", "tenant", "gupta-traders", "--yes"],
        ["delete", "files", "gupta-traders", "--user", "1"],
        ["dead-letters", "list"],
    ):
        done = stopped.munshi(*command)
        assert done.returncode == 1
        assert "no platform runs on" in done.stderr
        assert "munshi up" in done.stderr


async def test_a_detached_start_returns_when_ready_and_remembers_everything(running: PlatformRig) -> None:
    platform = running
    await _ask(platform, "Suresh ko 700 udhaar diya", "919800000003")
    platform.down()
    done = platform.munshi("up", "--port", str(platform.port), "--detach")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert platform.emulator in done.stdout
        rows = re.findall(r"^([A-Z][\w ]+: +)\S", done.stdout, re.MULTILINE)
        assert len(rows) > 5
        assert len({len(row) for row in rows}) == 1, "all stand in one column"
        wait_for(lambda: platform.status()["ready"], "all is ready")
        assert "700" in await _ask(platform, "Suresh ka kitna baaki hai?", "919800000003")
    finally:
        assert platform.munshi("down").returncode == 0
    assert not platform.supervisor_id().alive


def test_ctrl_c_ends_cleanly_also_while_it_starts(stopped: PlatformRig) -> None:
    platform = stopped
    process = platform.start()
    assert process.stdout is not None
    assert process.stdout.readline().startswith("checking")
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    assert not platform.supervisor_id().alive
    platform.up()
    family = platform.family()
    assert platform.supervisor is not None
    platform.supervisor.send_signal(signal.SIGINT)
    assert platform.supervisor.wait(120) == 0
    assert not any(one.alive for one in family)


async def test_a_schema_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    import asyncpg

    with platform_in(tmp_path / "data") as platform:
        platform.up()
        connection = await asyncpg.connect(platform.status()["database"]["url"])
        try:
            known = await connection.fetchval("SELECT version_num FROM alembic_version")
            await connection.execute("UPDATE alembic_version SET version_num = '9999'")
        finally:
            await connection.close()
        platform.down()
        done = platform.munshi("up", "--port", str(platform.port))
    assert done.returncode == 1
    assert "newer version of Munshi" in done.stderr
    assert "9999" in done.stderr
    assert known != "9999"


def test_a_folder_of_a_newer_program_is_left_alone(stopped: PlatformRig) -> None:
    platform = stopped
    stamp = platform.data / "version.json"
    kept = stamp.read_bytes()
    newer = '{"format": 999, "munshi": "9.9.9"}'
    stamp.write_text(newer)
    try:
        done = platform.munshi("up", "--port", str(platform.port))
        assert done.returncode == 1
        assert "was written by a newer Munshi (9.9.9" in done.stderr
        detached = platform.munshi("up", "--port", str(platform.port), "--detach")
        assert (detached.returncode, "newer Munshi" in detached.stderr) == (1, True)
        assert stamp.read_text() == newer
    finally:
        stamp.write_bytes(kept)


def test_a_crowded_folder_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with platform_in(tmp_path) as rig:
        done = rig.munshi("up", "--port", str(rig.port))
    assert done.returncode == 1
    assert "holds other files and is no data folder of Munshi" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_wrong_tenants_stop_the_start_before_anything_runs(tmp_path: Path) -> None:
    tenants = tmp_path / "tenants"
    tenants.mkdir()
    text = (EXAMPLES / "sharma-kirana.yaml").read_text()
    (tenants / "shop.yaml").write_text(text.replace("  ledger:", "  ledgr:"))
    with platform_in(tmp_path / "data") as rig:
        done = rig.munshi("up", "--port", str(rig.port), "--tenants", str(tenants))
        assert done.returncode == 1
        assert "spec.ledgr: unknown field; did you mean ledger?" in done.stderr
        assert not (rig.data / "postgres").exists()


def test_a_full_disk_is_a_clear_message(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 20) as disk:
        with platform_in(disk) as rig:
            done = rig.munshi("up", "--port", str(rig.port))
        assert done.returncode == 1
        assert f"the disk of {disk} has" in done.stderr
        assert "make room" in done.stderr
