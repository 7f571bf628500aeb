"""`munshi up` with Triton: found, used, shown, switched off, and gone with its supervisor."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from rig.platform import PlatformRig, platform_in
from rig.triton import installed
from rig.waiting import wait_for

pytestmark = pytest.mark.xdist_group("triton")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[PlatformRig]:
    with platform_in(tmp_path / "data", environment={"MUNSHI_TRITON_HOME": str(installed())}) as rig:
        yield rig


def told(platform: PlatformRig) -> dict[str, Any]:
    """What `munshi status --json` says."""
    shown: subprocess.CompletedProcess[str] = platform.munshi("status", "--json")
    report: dict[str, Any] = json.loads(shown.stdout)
    return report


def where(platform: PlatformRig) -> dict[str, str]:
    """Where each engine runs."""
    return {engine["part"]: engine["where"] for engine in told(platform)["engines"]}


def triton_of(platform: PlatformRig) -> dict[str, Any]:
    """Its process, as the status shows it."""
    return next(process for process in told(platform)["processes"] if process["name"] == "triton")


def test_it_is_found_and_used_and_comes_back_when_it_dies(platform: PlatformRig) -> None:
    platform.up()
    wait_for(lambda: where(platform).get("nlu") == "triton", "texts are read by Triton")
    wait_for(lambda: where(platform).get("ocr") == "triton", "pictures are read by Triton")
    first = triton_of(platform)
    os.kill(first["pid"], signal.SIGKILL)
    wait_for(lambda: triton_of(platform)["pid"] not in {first["pid"], None}, "it is started again")
    wait_for(lambda: told(platform)["ready"], "the platform is ready without it")
    wait_for(lambda: where(platform).get("nlu") == "triton", "it is used again")
    family = psutil.Process(triton_of(platform)["pid"]).children(recursive=True)
    assert family
    assert platform.supervisor is not None
    platform.supervisor.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == [], "nothing is left of it when the supervisor was killed"


def test_it_is_not_started_when_switched_off(platform: PlatformRig) -> None:
    platform.up("--no-triton")
    assert where(platform)["nlu"] == "in-process"
    assert "triton" not in {process["name"] for process in told(platform)["processes"]}
