"""Docker and buildah: what turns a context into an image."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imaging.listed import BUILD, CACHE, CONTEXT, REPOSITORY, SOURCE, Image, archive_of
from imaging.running import output, run

BASES = {
    "BASE_IMAGE": "python",
    "DEMO_BASE_IMAGE": "shell",
}  # argument of the Dockerfile: kind of images/base


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
