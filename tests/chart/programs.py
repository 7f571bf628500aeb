"""The programs and schemas of `tools/chart-tools`, where they are built."""

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "munshi"


@functools.cache
def folder() -> Path:
    """Where `tools/chart-tools` builds."""
    done = subprocess.run(
        [ROOT / "tools" / "chart-tools", "--path"], capture_output=True, text=True, check=True
    )
    return Path(done.stdout.strip())


def program(name: str) -> Path:
    """A program, else skips the test with the reason."""
    built = folder() / "bin" / name
    if built.exists():
        return built
    installed = shutil.which(name)
    if installed is None:
        pytest.skip(f"{name} is not there: `make chart-tools` builds it (Go needed)")
    return Path(installed)


def run(name: str, *arguments: Any, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Runs a program to its end."""
    command = [str(program(name)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)
