"""Builds the container images: collects what each may hold, builds by Docker or buildah, states the sizes.

What an image may hold lies in `build/images/context/<name>` (`imaging.context`). Where no Docker answers,
buildah builds, on bases made of Debian's packages (images/base). An image whose inputs did not change is not
built again. `build/images` and `~/.cache/munshi/images` (bases, layers) may be removed at any time.
"""

import argparse
import fcntl
import os
import re
import shutil
import time
from collections.abc import Sequence

from imaging.builders import Buildah, Docker, choose_builder
from imaging.context import collect, digest_of
from imaging.listed import (
    BUILD,
    CACHE,
    CONTEXT,
    IMAGES,
    REPOSITORY,
    ROOT,
    VENDORS,
    WHEEL,
    Image,
    archive_of,
    on_wheel,
)
from imaging.running import output, run


def chosen(image: Image, builder: Docker | Buildah, wanted: str) -> Image:
    """What Triton's image stands on: what is wanted, else its vendor's image where Docker can pull it, or
    TRITON_BASE_IMAGE names one that is there, else the server's wheel."""
    if not image.triton:
        return image
    can_have = builder.name == "docker" or bool(os.environ.get("TRITON_BASE_IMAGE"))
    return image if (wanted or (VENDORS if can_have else WHEEL)) == VENDORS else on_wheel(image)


def bases_of(image: Image, builder: Docker | Buildah) -> dict[str, str]:
    """The bases by their arguments."""
    if image.triton == VENDORS:
        given = os.environ.get("TRITON_BASE_IMAGE")
        return {"VENDORS_IMAGE": given} if given else {}
    return {**({"STANDS_ON": image.triton} if image.triton else {}), **builder.bases()}


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
        shutil.copy2(image.beside, CONTEXT / image.beside.name)
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
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(IMAGES)}; default: all but inference and vllm",
    )
    parser.add_argument(
        "--builder", choices=("auto", "docker", "buildah"), default=os.environ.get("BUILDER") or "auto"
    )
    parser.add_argument(
        "--triton",
        choices=(VENDORS, WHEEL),
        default="",
        help="what the inference image stands on; default: its vendor's image with Docker, else its wheel",
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
    for name in options.names or [name for name, image in IMAGES.items() if not image.named]:
        image = chosen(IMAGES[name], builder, options.triton)
        done = build(builder, image, tag, archives=options.archives)
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
