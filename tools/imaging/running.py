"""Programs that are run for it."""

import os
import subprocess
import sys
from pathlib import Path

from imaging.listed import ROOT


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Runs a command; its output is shown only where it fails.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-8000:])
        raise SystemExit(f"failed: {' '.join(map(str, command[:4]))} …")


def output(*command: str) -> str:
    """What a command prints; empty where it fails or is missing."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def uv(*arguments: str | Path) -> None:
    """Runs the uv beside this Python, else the one on the path."""
    beside = Path(sys.executable).with_name("uv")
    run(beside if beside.exists() else "uv", *arguments)
