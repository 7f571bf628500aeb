"""`munshi up`: from the command to ready, memory of each process, and how soon a killed one is back.

Start: the time of `munshi up --detach`, Python's own start included; the first one on an empty data folder
(database and schema made), then on the same folder. Memory: proportional set size (shared pages divided among
their users), children included, idle and right after a burst of messages through the whole platform. Back:
from kill -9 until the new process is ready.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from munshi.embedded.data_folder import DataFolder
from munshi.embedded.plan import PORTS, taken_port
from munshi.embedded.state import PlatformState, read_state
from munshi_emulator.client import EmulatorClient

RESULTS = Path(__file__).parent / "results"
EXAMPLES = Path(__file__).parent.parent / "examples"
NUMBER = "106540352242922"
START_TARGET_S = 5.0
BACK_TARGET_S = 2.0


@dataclass(frozen=True)
class Measured:
    """All figures. Seconds and MiB."""

    first_start_s: list[float]
    later_start_s: list[float]
    stop_s: list[float]
    memory_idle_mib: dict[str, float]
    memory_loaded_mib: dict[str, float]
    messages: int
    back_s: dict[str, float]


def munshi(data: Path, *arguments: str) -> float:
    """Runs a command on the data folder; gives back how long it took."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "munshi.cli", *arguments, "--data", str(data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def free_base() -> int:
    """A first port with as many free ones behind it as a platform needs."""
    base = 13_000 + os.getpid() % 10_000
    while any(taken_port(base + offset) for offset in range(PORTS)):
        base += PORTS
    return base


def state_of(data: Path) -> PlatformState:
    """What runs."""
    state = read_state(DataFolder(data))
    assert state is not None
    return state


def memory_of(data: Path) -> dict[str, float]:
    """MiB of each process with its children, and of the supervisor."""
    state = state_of(data)
    roots = {process.name: process.pid for process in state.processes if process.pid}
    found = {name: _pss(psutil.Process(pid), children=True) for name, pid in roots.items()}
    found["supervisor"] = _pss(psutil.Process(state.supervisor_pid), children=False)
    return found


def _pss(process: psutil.Process, *, children: bool) -> float:
    family = [process, *(process.children(recursive=True) if children else ())]
    total = 0
    for one in family:
        try:
            total += one.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return round(total / 2**20, 1)


async def burst(emulator: str, count: int) -> None:
    """Sends messages of many people and waits for all the answers."""
    messages = [
        {
            "phone_number_id": NUMBER,
            "person": f"9198{index % 200:08d}",
            "text": f"Ramesh ko {index + 1} udhaar diya",
        }
        for index in range(count)
    ]
    async with EmulatorClient(emulator) as client:
        await client.send_many(messages)
        await client.wait_for(count, direction="out", timeout_seconds=180)


def back_after_kill(data: Path, name: str) -> float:
    """Seconds from kill -9 to ready."""
    old = next(process.pid for process in state_of(data).processes if process.name == name)
    assert old is not None
    began = time.perf_counter()
    os.kill(old, signal.SIGKILL)
    while True:
        now = next(process for process in state_of(data).processes if process.name == name)
        if now.ready and now.pid not in {None, old}:
            return time.perf_counter() - began
        if time.perf_counter() - began > 60:
            raise RuntimeError(f"{name} is not back")
        time.sleep(0.005)


def measure(runs: int, messages: int) -> Measured:
    """Everything, on fresh folders."""
    first: list[float] = []
    later: list[float] = []
    stops: list[float] = []
    with tempfile.TemporaryDirectory() as top:
        for run in range(runs):
            data, port = Path(top) / f"data{run}", free_base()
            for times in (first, later):
                options = ("--port", str(port), "--tenants", str(EXAMPLES), "--detach")
                times.append(munshi(data, "up", *options))
                if times is first or run < runs - 1:
                    stops.append(munshi(data, "down"))
        try:
            time.sleep(3)  # idle: start-up garbage is collected, pools are filled
            idle = memory_of(data)
            emulator = state_of(data).endpoints.emulator
            assert emulator is not None
            asyncio.run(burst(emulator, messages))
            loaded = memory_of(data)
            names = [process.name for process in state_of(data).processes]
            back = {name: back_after_kill(data, name) for name in names}
        finally:
            stops.append(munshi(data, "down"))
    return Measured(first, later, stops, idle, loaded, messages, back)


def show(found: Measured) -> None:
    """The tables."""
    print(f"{'':<22}{'median':>8}{'runs':>24}")
    for name, times, target in (
        ("first start, s", found.first_start_s, START_TARGET_S),
        ("later start, s", found.later_start_s, START_TARGET_S),
        ("stop, s", found.stop_s, None),
    ):
        aim = f"   aim {target:.0f}" if target else ""
        runs = " ".join(f"{one:.1f}" for one in times)
        print(f"{name:<22}{statistics.median(times):>8.2f}{runs:>24}{aim}")
    print(f"\n{'process':<14}{'idle MiB':>10}{'loaded MiB':>12}{'back after kill -9, s':>24}")
    for name, idle in found.memory_idle_mib.items():
        back = f"{found.back_s[name]:.2f}" if name in found.back_s else "-"
        print(f"{name:<14}{idle:>10.1f}{found.memory_loaded_mib[name]:>12.1f}{back:>24}")
    idle_sum, loaded_sum = sum(found.memory_idle_mib.values()), sum(found.memory_loaded_mib.values())
    print(f"{'all':<14}{idle_sum:>10.1f}{loaded_sum:>12.1f}{f'aim {BACK_TARGET_S:.0f}':>24}")
    print(f"(loaded: after {found.messages} messages, each answered)")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="fresh folders to start on")
    parser.add_argument("--messages", type=int, default=1000, help="burst before memory is read again")
    chosen = parser.parse_args()
    found = measure(chosen.runs, chosen.messages)
    show(found)
    RESULTS.mkdir(exist_ok=True)
    machine: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
    }
    (RESULTS / "up.json").write_text(json.dumps({**asdict(found), "machine": machine}, indent=1))


if __name__ == "__main__":
    main()
