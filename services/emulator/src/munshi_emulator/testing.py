"""Starts a stand-in of its own for a test or a benchmark, kills it, and starts it again on the same data."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from munshi_emulator.client import EmulatorClient


class EmulatorProcess:
    """A `python -m munshi_emulator` on a free port. After `kill` and `start` it has the same port and
    data."""

    def __init__(self, data_dir: Path, **settings: str | float) -> None:
        """`settings`: fields of `Settings` by name, passed on by the environment."""
        self.data_dir = data_dir
        self.settings = settings
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Base URL: of the Graph API and of the control API alike."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._process is None else self._process.pid

    def client(self) -> EmulatorClient:
        """A client of this stand-in."""
        return EmulatorClient(self.url)

    async def start(self, timeout_seconds: float = 120.0) -> None:
        """Start and wait until it takes traffic. Raises RuntimeError with its log if it ends or takes too
        long."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        port_file = self.data_dir / "port"
        port_file.unlink(missing_ok=True)
        environment = {**os.environ, "MUNSHI_EMULATOR_DATA_DIR": str(self.data_dir)}
        environment["MUNSHI_EMULATOR_PORT"] = str(self.port)
        environment |= {
            f"MUNSHI_EMULATOR_{name.upper()}": str(value) for name, value in self.settings.items()
        }
        with (self.data_dir / "log").open("ab") as log:
            command = [sys.executable, "-m", "munshi_emulator"]
            self._process = await asyncio.to_thread(
                subprocess.Popen, command, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + timeout_seconds
        while not await self._answers(port_file):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(self.log()[-4000:])
            await asyncio.sleep(0.02)

    async def _answers(self, port_file: Path) -> bool:
        """Whether it is ready."""
        text = await asyncio.to_thread(_read, port_file)
        if not text:
            return False
        self.port = int(text)
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        return False

    def log(self) -> str:
        """What it wrote."""
        return _read(self.data_dir / "log")

    def kill(self) -> None:
        """SIGKILL, as a power cut of the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self, timeout_seconds: float = 60.0) -> int:
        """SIGTERM and wait; returns the exit status (-9 if it had to be killed)."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            status = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process = None
        return status


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


@contextlib.asynccontextmanager
async def running(data_dir: Path, **settings: str | float) -> AsyncIterator[EmulatorProcess]:
    """A stand-in that is ready, stopped at the end."""
    process = EmulatorProcess(data_dir, **settings)
    await process.start()
    try:
        yield process
    finally:
        process.stop()
