"""Starts tritonserver out of the folder of `make engines`: `python -m munshi_inference.triton.server`.

Becomes the server, so that whoever started this process holds the server itself. It listens on the loopback
address only, and its models run on the CPU with the Python of its own environment.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from munshi_inference.nlu.repository import repository
from munshi_inference.triton import guard

_PACKAGES = {"munshi": "munshi", "munshi-inference": "munshi_inference"}
"""Distributions that the models import, with their packages."""
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (where the python backend keeps tensors)


@dataclass(frozen=True, slots=True)
class Ports:
    """Of the loopback address."""

    grpc: int
    http: int
    metrics: int


@dataclass(frozen=True, slots=True)
class Installation:
    """What `tools/triton` set up in a folder."""

    home: Path

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.home / "venv" / "bin" / "python"

    @property
    def site(self) -> Path:
        """Its installed packages."""
        return next((self.home / "venv" / "lib").glob("python3.*")) / "site-packages"

    @property
    def server(self) -> Path:
        """The program."""
        return self._wheel / "bin" / "tritonserver"

    @property
    def backend(self) -> list[Path]:
        """The files of the python backend, with the stub that is made for that interpreter."""
        version = self.site.parent.name.removeprefix("python")
        stub = self._wheel / "python_backend_stubs" / version / "triton_python_backend_stub"
        return [*(self._wheel / "backends" / "python").iterdir(), stub]

    @property
    def _wheel(self) -> Path:
        return self.site / "pytriton" / "tritonserver"


@dataclass(frozen=True, slots=True)
class Served:
    """What the server serves, and from where."""

    repository: Path
    models: Sequence[str]
    backends: Path


def command(installation: Installation, served: Served, ports: Ports, prefix: str) -> list[str]:
    """The server's command line. A model that does not load is left out; the others are served."""
    loopback = [f"--{kind}-address=127.0.0.1" for kind in ("grpc", "http", "metrics")]
    numbers = [
        f"--grpc-port={ports.grpc}",
        f"--http-port={ports.http}",
        f"--metrics-port={ports.metrics}",
    ]
    return [
        str(installation.server),
        f"--model-repository={served.repository}",
        f"--backend-directory={served.backends}",
        f"--backend-config=python,shm-region-prefix-name={prefix}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in served.models),
        "--exit-on-error=false",
        "--strict-readiness=false",
        "--disable-auto-complete-config",
        "--allow-gpu-metrics=false",
        "--exit-timeout-secs=5",
        "--pinned-memory-pool-byte-size=0",
        *loopback,
        *numbers,
    ]


def environment(installation: Installation, libdir: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """The server's environment. Without `libdir` (of the Python that the environment was made of) the stub of
    the python backend finds another libpython and crashes."""
    bin_folder = str(installation.python.parent)
    kept = {name: value for name, value in inherited.items() if not name.startswith("PYTHON")}
    for name in ("MUNSHI_TRITON_URL", "MUNSHI_TRITON_HTTP_URL"):
        kept.pop(name, None)
    return {
        **kept,
        "PATH": os.pathsep.join([bin_folder, inherited.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(installation.home / "venv"),
        "LD_LIBRARY_PATH": os.pathsep.join([libdir, str(installation.site / "nvidia_pytriton.libs")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MUNSHI_PYTHON": str(installation.python),
        # One thread a model instance: more would fight for the same cores.
        "OMP_NUM_THREADS": inherited.get("OMP_NUM_THREADS", "1"),
    }


def lay_out(installation: Installation, backends: Path) -> None:
    """Makes the folder of backends: the python backend, and beside it Munshi's own packages, since the
    backend puts its own folder on Python's path and heeds no PYTHONPATH. Nothing else of the environment that
    runs this is to be seen there: the rest of it is for another numpy."""
    folder = backends / "python"
    shutil.rmtree(backends, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in installation.backend:
        (folder / file.name).symlink_to(file)
    for distribution, package in _PACKAGES.items():
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(package)
        (folder / package).symlink_to(Path(found.origin).parent)
        installed = importlib.metadata.distribution(distribution)
        metadata = f"{package}-{installed.version}.dist-info"
        (folder / metadata).symlink_to(str(installed.locate_file(metadata)))


def clear_shared_memory(prefix: str) -> None:
    """Removes what a killed server left in memory."""
    for region in _SHARED_MEMORY.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            region.unlink()


def library_folder(installation: Installation) -> str:
    """Where the libpython of the environment's Python is."""
    config = (installation.home / "venv" / "pyvenv.cfg").read_text(encoding="utf-8")
    home = next(line.partition("=")[2].strip() for line in config.splitlines() if line.startswith("home"))
    return str(Path(home).parent / "lib")


def watch(pid: int, http_port: int) -> None:
    """Starts the guard of a server that is, or is about to be, the process of that number."""
    argv = [sys.executable, "-I", "-S", guard.__file__, str(pid), str(http_port)]
    subprocess.Popen(argv, stdin=subprocess.DEVNULL)  # noqa: S603 (a program of our own)


def main(arguments: Sequence[str] | None = None) -> None:
    """Becomes the server. Returns never."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder that tools/triton printed")
    parser.add_argument("--runtime", type=Path, required=True, help="a folder of its own, made anew")
    parser.add_argument("--repository", type=Path, default=repository())
    parser.add_argument("--models", default="ledger_nlu,documents,embeddings", help="names, by commas")
    for name in ("grpc", "http", "metrics"):
        parser.add_argument(f"--{name}-port", type=int, required=True)
    options = parser.parse_args(arguments)
    installation = Installation(options.home.resolve())
    runtime = options.runtime.absolute()
    lay_out(installation, runtime / "backends")
    prefix = f"munshi_{options.grpc_port}_"
    clear_shared_memory(prefix)
    ports = Ports(options.grpc_port, options.http_port, options.metrics_port)
    names = [name for name in options.models.split(",") if (options.repository / name).is_dir()]
    served = Served(options.repository.absolute(), names, runtime / "backends")
    argv = command(installation, served, ports, prefix)
    env = environment(installation, library_folder(installation), os.environ)
    watch(os.getpid(), options.http_port)
    sys.stdout.flush()
    os.execve(argv[0], argv, env)  # noqa: S606 (this program exists to become another)


if __name__ == "__main__":
    main()
