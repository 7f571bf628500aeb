"""One platform by `munshi up`, looked at: status, addresses, ports, rights, logs, help."""

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import psutil
import pytest

from munshi.provision.loopback import call
from rig.platform import PlatformRig, platform_in
from rig.waiting import wait_for

SERVICES = {"ingress", "orchestrator", "media", "emulator", "nats", "postgres"}


def status_when_ready(platform: PlatformRig, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`munshi status` of a ready platform: a look at a process that the machine lets wait finds it not ready
    for a moment."""
    looks: list[subprocess.CompletedProcess[str]] = []

    def ready() -> bool:
        looks.append(platform.munshi("status", *arguments))
        return looks[-1].returncode == 0

    wait_for(ready, "all is ready")
    return looks[-1]


def test_status_as_json_has_what_programs_lean_on(platform: PlatformRig) -> None:
    report = json.loads(status_when_ready(platform, "--json").stdout)
    assert report["ready"] is True
    assert report["endpoints"] == {
        "ingress": platform.ingress,
        "emulator": platform.emulator,
        "console": None,
    }
    assert {process["name"] for process in report["processes"]} == SERVICES
    for process in report["processes"]:
        assert psutil.pid_exists(process["pid"])
        assert process["ready"] is True
        if process["name"] in {"ingress", "orchestrator", "media", "emulator"}:
            status, text = call(process["metrics"])
            assert status == 200
            assert b"# TYPE" in text
        else:
            assert process["metrics"] is None
    (shop,) = [tenant for tenant in report["tenants"] if tenant["key"] == "shops_sharma-kirana"]
    assert shop == {
        "key": "shops_sharma-kirana",
        "name": "sharma-kirana",
        "namespace": "shops",
        "assistant": "Ledger",
        "phoneNumberIDs": ["106540352242922"],
        "webhookURL": f"{platform.ingress}/webhooks/whatsapp/shops_sharma-kirana",
        "ready": True,
    }


async def test_addresses_of_the_status_open_database_and_bus(platform: PlatformRig) -> None:
    import asyncpg
    import nats

    report = platform.status()
    connection = await asyncpg.connect(report["database"]["url"])
    try:
        tenants = await connection.fetch("SELECT tenant FROM tenants")
        services = await connection.fetch(
            "SELECT DISTINCT usename, r.rolsuper, r.rolbypassrls FROM pg_stat_activity"
            " JOIN pg_roles r ON r.rolname = usename WHERE application_name LIKE '%orchestrator%'"
        )
    finally:
        await connection.close()
    assert {"shops_sharma-kirana", "shops_gupta-traders"} <= {row["tenant"] for row in tenants}
    assert services, "the orchestrator is not connected"
    assert not any(row["rolsuper"] or row["rolbypassrls"] for row in services)
    bus = await nats.connect(report["nats"]["url"], user_credentials=report["nats"]["creds"])
    try:
        streams = {stream.config.name for stream in await bus.jetstream().streams_info()}
    finally:
        await bus.close()
    assert {"munshi-pool-events", "munshi-pool-dead", "KV_munshi-pool-tenants"} == streams


def test_status_for_people_names_everything(platform: PlatformRig) -> None:
    done = status_when_ready(platform)
    for word in (*SERVICES, platform.ingress, platform.emulator, "shops/sharma-kirana"):
        assert word in done.stdout


def test_everything_listens_on_the_loopback_address_only(platform: PlatformRig) -> None:
    listening = []
    for process in platform.family():
        # PostgreSQL ends a process with each connection; none of those listens.
        with contextlib.suppress(psutil.NoSuchProcess):
            listening += [
                (connection.laddr.ip, connection.laddr.port)
                for connection in psutil.Process(process.pid).net_connections("tcp")
                if connection.status == psutil.CONN_LISTEN
            ]
    assert {port for _, port in listening} == {platform.port + offset for offset in (0, 1, 3, 4, 5, 6, 7)}
    assert {address for address, _ in listening} == {"127.0.0.1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL changes its user only when started by root")
def test_postgres_runs_as_nobody_when_root_starts_it(platform: PlatformRig) -> None:
    assert psutil.Process(platform.process("postgres")["pid"]).username() == "nobody"


def test_secrets_are_readable_by_their_owner_only(platform: PlatformRig) -> None:
    for path in (platform.data / "platform.json", platform.data / "keys" / "ring.json"):
        assert path.stat().st_mode & 0o077 == 0
    for folder in ("keys", "cells", "tenants", "logs", "postgres", "objects"):
        assert (platform.data / folder).stat().st_mode & 0o077 == 0


def test_a_second_up_on_the_same_folder_is_refused(platform: PlatformRig) -> None:
    pids = {one["name"]: one["pid"] for one in platform.status()["processes"]}
    done = platform.munshi("up", "--port", "20000")
    assert done.returncode == 1
    assert f"the data folder {platform.data} is in use by another `munshi up`" in done.stderr
    assert "munshi down" in done.stderr
    assert {one["name"]: one["pid"] for one in platform.status()["processes"]} == pids


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with platform_in(tmp_path / "other") as other, socket.create_server(("127.0.0.1", other.port + 1)):
        done = other.munshi("up", "--port", str(other.port))
        assert done.returncode == 1
        holder = f"port {other.port + 1} (for the emulator) is in use by {psutil.Process().name()}"
        assert f"{holder} (process {os.getpid()})" in done.stderr
        assert "--port N" in done.stderr
        assert other.munshi("status").returncode == 1


def _read_lines(stream: IO[str], seen: "queue.SimpleQueue[str]") -> None:
    for line in stream:
        seen.put(line)


def test_logs_are_readable_as_json_and_live(platform: PlatformRig) -> None:
    lines = platform.munshi("logs", "ingress", "orchestrator", "--json").stdout.splitlines()
    assert lines
    for line in lines:
        event = json.loads(line)
        assert {"timestamp", "level", "event", "service"} <= set(event)
        assert event["service"] in {"ingress", "orchestrator"}
    readable = platform.munshi("logs").stdout
    for name in (*SERVICES, "supervisor"):
        assert f"{name:<12}" in readable
    wrong = platform.munshi("logs", "nonsense")
    assert (wrong.returncode, "no service 'nonsense'" in wrong.stderr) == (2, True)
    follower = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "munshi.cli",
            "logs",
            "-f",
            "-n",
            "0",
            "--json",
            "nats",
            "--data",
            str(platform.data),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert follower.stdout is not None
        seen: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read_lines, args=(follower.stdout, seen), daemon=True).start()

        # What was there before it began to follow is not shown: write until it does.
        def followed() -> bool:
            with (platform.data / "logs" / "nats.log").open("a") as log:
                log.write("a line of this test\n")
            with contextlib.suppress(queue.Empty):
                return seen.get(timeout=0.2) == "a line of this test\n"
            return False

        wait_for(followed, "the follower shows a new line")
    finally:
        follower.kill()
        follower.wait()
        if follower.stdout is not None:
            follower.stdout.close()


def test_help_is_everywhere_and_wrong_use_is_2(platform: PlatformRig) -> None:
    for command in (
        [], ["up"], ["status"], ["logs"], ["down"], ["apply"], ["get", "tenants"], ["delete", "tenant"],
        ["delete", "files"],
        ["dead-letters", "list"], ["dead-letters", "replay"], ["understand"],
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "munshi.cli", *command, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, command
        assert "Usage: munshi" in done.stdout
    assert platform.munshi("up", "--port", "70000").returncode == 2
    assert platform.munshi("up", "--tenants", "/nonexistent").returncode == 2
    assert platform.munshi("up", "--graph-url", "ftp://x").returncode == 2
    assert platform.munshi("frobnicate").returncode == 2
    assert platform.munshi("apply").returncode == 2
