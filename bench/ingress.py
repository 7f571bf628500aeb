"""Ingress against two handlers that keep nothing, and a batch of 1,000 updates.

One process each on a core of its own; the load on a second core, nats-server on the others. The three are
measured in turn, again and again, and the medians are compared, since the machine is shared. Beside the
requests a second stand those a second of the server's CPU (`by CPU` is that ratio): they tell the cost when
the core is not ours alone.

Ingress keeps everything: file store, one replica, `sync_interval` 2 s as `munshi up` sets it (an acknowledged
message survives a killed process; a power cut may cost the last two seconds). No consumer runs beside it.
"""

import argparse
import asyncio
import http.client
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nats.js.errors import BadRequestError
from pydantic import SecretStr

from bench._ingress_apps import SECRET
from bench._ingress_load import ACCOUNT, NUMBER, PATH, Load, run_load, signed_webhooks, webhook
from munshi.bus.connection import connected
from munshi.bus.streams import Sizing, ensure_streams
from munshi.cells import Cell
from munshi.contracts.subjects import event_stream, registry_bucket
from munshi.contracts.tenant import POOL, Credentials, TenantEntry, WhatsAppTenantSpec, tenant_key
from munshi.sealing import new_key, seal_credentials

RESULTS = Path(__file__).parent / "results"
SYNC = "2s"
BATCH = 1000
BATCH_TARGET_MS = 30.0
_SEALING_KEY = bytes(32)


@dataclass(frozen=True)
class Run:
    """One run of one server."""

    name: str
    requests_per_second: float
    requests_per_cpu_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Cores:
    """Which core is whose; all `None` on a machine with fewer than three."""

    server: int | None
    load: int | None
    bus: frozenset[int] | None


def cores() -> Cores:
    """Server and load apart, the bus on what is left."""
    have = sorted(os.sched_getaffinity(0))
    if len(have) < 3:
        return Cores(None, None, None)
    return Cores(have[0], have[1], frozenset(have[2:]))


def free_port() -> int:
    """A free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def spawn(stack: ExitStack, argv: Sequence[str], where: set[int] | None, **environment: str) -> int:
    """Starts a process that ends with the stack; its pid."""
    pin = (lambda: os.sched_setaffinity(0, where)) if where else None
    process = subprocess.Popen(
        argv,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=pin,  # noqa: PLW1509 - this program has no threads
    )

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)
    return process.pid


def wait_for(check: Callable[[], bool], what: str) -> None:
    """Polls until `check` holds; 20 seconds at most."""
    deadline = time.monotonic() + 20
    while not check():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come up")
        time.sleep(0.05)


def answers(port: int, path: str, status: int) -> bool:
    """Whether a GET of `path` gives `status`."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        connection.request("GET", path)
        return connection.getresponse().status == status
    except (OSError, http.client.HTTPException):
        return False


def start_bus(stack: ExitStack, folder: Path, on: Cores) -> Cell:
    """A real nats-server with the cell's streams and one tenant in the registry."""
    port = free_port()
    config = folder / "nats.conf"
    store = folder / "jetstream"
    config.write_text(
        f'host: "127.0.0.1"\nport: {port}\nmax_payload: 8MB\n'
        f'jetstream {{ store_dir: "{store}", max_file_store: 16GB, sync_interval: "{SYNC}" }}\n'
    )
    program = Path(sys.executable).parent / "nats-server"
    spawn(stack, [str(program), "-c", str(config)], set(on.bus) if on.bus else None)
    cell = Cell(POOL, 16, f"nats://127.0.0.1:{port}", None, None, _SEALING_KEY)
    asyncio.run(_provision(cell))
    pool = folder / "cells" / POOL
    pool.mkdir(parents=True)
    (pool / "cell.json").write_text(json.dumps({"cell": POOL, "partitions": cell.partitions}))
    (pool / "nats-url").write_text(cell.nats_url)
    (pool / "sealing-key").write_text(_SEALING_KEY.hex())
    return cell


async def _provision(cell: Cell) -> None:
    key = tenant_key("bench", "shop")
    spec = WhatsAppTenantSpec.model_validate(
        {
            "displayName": "Bench",
            "assistant": "Ledger",
            "isolation": "Pooled",
            "whatsapp": {
                "businessAccountID": ACCOUNT,
                "phoneNumbers": [{"phoneNumberID": NUMBER}],
                "secretRef": {"name": "bench"},
            },
        }
    )
    credentials = Credentials(
        app_secret=SecretStr(SECRET),
        access_token=SecretStr("unused"),
        verify_token=SecretStr("unused"),
        lookup_key=SecretStr(new_key()),
        data_key=SecretStr(new_key()),
    )
    entry = TenantEntry(
        key=key,
        name="shop",
        namespace="bench",
        cell=POOL,
        generation=1,
        spec=spec,
        sealed=seal_credentials(cell.sealing_key, credentials, key),
    )
    async with connected(cell, "bench") as connection:
        js = connection.client.jetstream()
        await ensure_streams(js, cell.name, Sizing(event_bytes=8 * 1024**3))
        bucket = await js.key_value(registry_bucket(cell.name))
        await bucket.put(key, entry.model_dump_json(by_alias=True).encode())


async def purge(cell: Cell) -> int:
    """Empties the event stream; how many messages it held."""
    async with connected(cell, "bench") as connection:
        js = connection.client.jetstream()
        held = (await js.stream_info(event_stream(cell.name))).state.messages
        try:
            await js.purge_stream(event_stream(cell.name))
        except BadRequestError as error:
            raise RuntimeError("the stream cannot be purged") from error
        return held


def start_server(stack: ExitStack, name: str, folder: Path, on: Cores) -> tuple[int, int]:
    """Starts `bare`, `pywa` or `ingress`; pid and port."""
    port = free_port()
    where = {on.server} if on.server is not None else None
    if name == "ingress":
        argv = [sys.executable, "-m", "munshi_ingress"]
        environment = {
            "MUNSHI_PORT": str(port),
            "MUNSHI_CELLS_DIR": str(folder / "cells"),
            "MUNSHI_DRAIN_SECONDS": "0",
            "MUNSHI_LOG_LEVEL": "error",
        }
        pid = spawn(stack, argv, where, **environment)
        wait_for(lambda: answers(port, "/readyz", 200), name)
        return pid, port
    argv = [sys.executable, "-m", "uvicorn", "--factory", f"bench._ingress_apps:{name}"]
    argv += ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    argv += ["--log-level", "error", "--no-server-header", "--no-date-header"]
    pid = spawn(stack, argv, where)
    wait_for(lambda: answers(port, "/nothing-here", 404), name)
    return pid, port


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(name: str, pid: int, port: int, label: str, seconds: float, on: Cores) -> Run:
    """One run of the load against one server."""
    count = int(25_000 * seconds)
    before = cpu_seconds(pid)
    load: Load = run_load(port, signed_webhooks(label, count, SECRET.encode()), seconds, on.load)
    used = cpu_seconds(pid) - before
    if load.requests > count:
        raise RuntimeError("more requests than webhooks: ids came twice")
    if load.failed:
        raise RuntimeError(f"{name} answered {load.failed} requests with something else than 200")
    return Run(
        name=name,
        requests_per_second=load.requests / load.seconds,
        requests_per_cpu_second=load.requests / used,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
    )


def batches(pid: int, port: int, count: int) -> dict[str, Any]:
    """Posts `count` batches of 1,000 updates one after the other: milliseconds to the 200, and memory."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took: list[float] = []
    cpu: list[float] = []
    memory: list[float] = []
    for number in range(count):
        ids = [f"wamid.batch{number:05d}x{index:05d}" for index in range(BATCH)]
        body, signature = webhook(ids, SECRET.encode())
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        cpu_before, began = cpu_seconds(pid), time.perf_counter()
        connection.request("POST", PATH, body, headers)
        response = connection.getresponse()
        response.read()
        took.append((time.perf_counter() - began) * 1e3)
        cpu.append((cpu_seconds(pid) - cpu_before) * 1e3)
        memory.append(resident_mib(pid))
        if response.status != 200:
            raise RuntimeError(f"a batch was answered {response.status}")
    warm = count // 4
    return {
        "updates": BATCH,
        "batches": count,
        "best_ms": min(took),
        "median_ms": statistics.median(took),
        "p99_ms": sorted(took)[int(count * 0.99) - 1],
        "mean_cpu_ms": statistics.mean(cpu),
        "body_bytes": len(body),
        "rss_mib_after_quarter": memory[warm],
        "rss_mib_at_end": memory[-1],
    }


def medians(runs: list[Run], name: str) -> Run:
    """The median of each figure over a server's runs."""
    own = [asdict(run) for run in runs if run.name == name]
    values = {key: statistics.median(run[key] for run in own) for key in own[0] if key != "name"}
    return Run(name=name, **values)


def table(summary: list[Run]) -> str:
    """The summary for people."""
    bare, pywa = (next(run for run in summary if run.name == name) for name in ("bare", "pywa"))
    heads = ("req/s", "req/CPU-s", "x bare", "by CPU", "x pywa", "p50 ms", "p99 ms")
    widths = (9, 11, 8, 8, 8, 8, 8)
    lines = ["handler   " + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))]
    lines.extend(
        f"{run.name:<10}{run.requests_per_second:>9,.0f}{run.requests_per_cpu_second:>11,.0f}"
        f"{run.requests_per_second / bare.requests_per_second:>8.2f}"
        f"{run.requests_per_cpu_second / bare.requests_per_cpu_second:>8.2f}"
        f"{run.requests_per_second / pywa.requests_per_second:>8.2f}{run.p50_ms:>8.2f}{run.p99_ms:>8.2f}"
        for run in summary
    )
    return "\n".join(lines)


def judged(summary: list[Run], batch: dict[str, Any]) -> dict[str, bool]:
    """Each target, and whether it was met."""
    rate = {run.name: run.requests_per_second for run in summary}
    return {
        "at least 1.0x of the bare handler": rate["ingress"] >= rate["bare"],
        "aim: 1.2x of the bare handler": rate["ingress"] >= 1.2 * rate["bare"],
        "at least 2x of pywa's handler": rate["ingress"] >= 2 * rate["pywa"],
        f"a batch of 1,000 within {BATCH_TARGET_MS:.0f} ms": batch["median_ms"] <= BATCH_TARGET_MS,
        "memory flat over 200 batches": batch["rss_mib_at_end"] <= 1.02 * batch["rss_mib_after_quarter"],
    }


def compare(folder: Path, on: Cores, rounds: int, seconds: float) -> tuple[list[Run], dict[str, Any]]:
    """All three in turn, `rounds` times, then the batches."""
    runs: list[Run] = []
    names = ("bare", "pywa", "ingress")
    with ExitStack() as stack:
        cell = start_bus(stack, folder, on)
        servers = {name: start_server(stack, name, folder, on) for name in names}
        for number in range(rounds):
            for name in names:
                run = measure(name, *servers[name], f"{number:02d}{name[0]}", seconds, on)
                runs.append(run)
                if name == "ingress":
                    held = asyncio.run(purge(cell))
                    print(f"round {number + 1}: {run.requests_per_second:,.0f}/s, the stream kept {held:,}")
        batch = batches(*servers["ingress"], 200)
    return runs, batch


def main() -> int:
    """Runs all; writes the table and the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="times that each is measured (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each run (default 4)")
    given = parser.parse_args()
    on = cores()
    folder = Path(tempfile.mkdtemp(prefix="munshi-bench-"))
    try:
        runs, batch = compare(folder, on, given.rounds, given.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    summary = [medians(runs, name) for name in ("bare", "pywa", "ingress")]
    print(table(summary))
    flat = batch["rss_mib_at_end"] / batch["rss_mib_after_quarter"]
    targets = judged(summary, batch)
    print(
        f"batch of {BATCH:,}: median {batch['median_ms']:.1f} ms, best {batch['best_ms']:.1f} ms, "
        f"CPU {batch['mean_cpu_ms']:.1f} ms (target {BATCH_TARGET_MS:.0f} ms on a free core); "
        f"memory {batch['rss_mib_after_quarter']:.1f} -> {batch['rss_mib_at_end']:.1f} MiB (x{flat:.3f})"
    )
    print("\n".join(f"{'met   ' if met else 'MISSED'} {what}" for what, met in targets.items()))
    RESULTS.mkdir(exist_ok=True)
    result = {
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.system(),
        },
        "bus": {"storage": "file", "replicas": 1, "sync_interval": SYNC},
        "load": {
            "tool": "wrk" if shutil.which("wrk") else "own",
            "connections": 64,
            "seconds": given.seconds,
        },
        "medians": [asdict(run) for run in summary],
        "runs": [asdict(run) for run in runs],
        "batch": batch,
        "targets": targets,
    }
    (RESULTS / "ingress.json").write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
