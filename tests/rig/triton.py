"""A real tritonserver, out of what `make engines` set up."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from munshi.embedded.engines import triton_probe
from munshi.embedded.processes import ProcessSpec
from munshi.embedded.supervisor import Supervised, Supervisor
from munshi_inference.nlu.repository import repository as own_models
from rig.ports import free_ports
from rig.services import Service

ROOT = Path(__file__).resolve().parents[2]


def installed() -> Path:
    """Where it is. Skips the test with the reason where it cannot be had."""
    tool = ROOT / "tools" / "triton"
    path = Path(subprocess.run([tool, "--path"], check=True, capture_output=True, text=True).stdout.strip())
    if not (path / "complete").exists():
        pytest.skip(
            "Triton is not set up: run `make engines` (its wheel is for Python 3.11 and 3.12 on Linux)"
        )
    return path


def repository_with(folder: Path, models: Mapping[str, str]) -> Path:
    """A model repository in which some models run other code behind their own configuration."""
    for name, code in models.items():
        version = folder / name / "1"
        version.mkdir(parents=True)
        shutil.copy(own_models() / name / "config.pbtxt", folder / name)
        warm = own_models() / name / "warmup"
        if warm.exists():
            shutil.copytree(warm, folder / name / "warmup")
        (version / "model.py").write_text(code)
        for file in (own_models() / name / "1").iterdir():
            if file.is_file() and file.name != "model.py":
                (version / file.name).symlink_to(file)
    return folder


@dataclass
class TritonServer:
    """One server with some models of a repository, on ports and in a folder of its own."""

    folder: Path
    models: str
    repository: Path = field(default_factory=own_models)
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Ports: gRPC, HTTP, metrics."""
        home, self.port = installed(), free_ports(3)
        argv = [sys.executable, "-P", "-m", "munshi_inference.triton.server", "--home", str(home)]
        argv += ["--runtime", str(self.folder / "runtime"), "--models", self.models]
        argv += ["--repository", str(self.repository)]
        for offset, name in enumerate(("grpc", "http", "metrics")):
            argv += [f"--{name}-port", str(self.port + offset)]
        self.folder.mkdir(parents=True, exist_ok=True)
        spec = ProcessSpec("triton", tuple(argv), self.folder / "triton.log", self.environment)
        self.service = Service("triton", spec, self.port + 1)

    @property
    def url(self) -> str:
        """Address of its gRPC."""
        return f"127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        """Address of its HTTP."""
        return f"127.0.0.1:{self.port + 1}"

    @property
    def pid(self) -> int:
        """Of the server."""
        return self.service.pid

    def start(self) -> "TritonServer":
        """Starts it, and waits until all its models are loaded."""
        self.service.start().wait_ready("/v2/health/ready")
        for model in self.models.split(","):
            ready = self.service.answers(f"/v2/models/{model}/ready")
            assert ready, f"{model} is not ready:\n{self.service.log[-4000:]}"
        return self

    @contextlib.asynccontextmanager
    async def supervised(self) -> AsyncIterator[Supervised]:
        """The same server under the supervisor of `munshi up`, ready; ended afterwards."""
        supervisor = Supervisor(lambda: None)
        works = triton_probe(self.port + 1)
        member = supervisor.add(Supervised(self.service.spec, works, works, needed=False))
        try:
            await supervisor.wait_ready([member], 60)
            self.service.process = member.process
            yield member
        finally:
            await supervisor.stop([])

    def stub(self, model: str) -> psutil.Process:
        """The process that runs a model."""
        children = psutil.Process(self.pid).children()
        return next(child for child in children if f"/{model}/" in " ".join(child.cmdline()))

    def kill(self) -> None:
        """kill -9 of the server and all its models."""
        self.service.kill()
