#!/usr/bin/env python3
"""Write a one-layer container image as an OCI archive, without any container tool.

    image.py OUT.tar NAME:TAG --file build/pause=/pause --entrypoint /pause

Times and owners are fixed, so the same input gives the same digest. `cluster load` and `ctr images import`
read the result.
"""

import argparse
import hashlib
import io
import json
import platform
import stat
import tarfile
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OCI = "application/vnd.oci.image"


def digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": f"{OCI}.{kind}", "digest": digest(blob), "size": len(blob)}


def to_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def layer_of_files(files: list[str]) -> bytes:
    """A tar with the files at their destinations, and a /tmp that every user can write to."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tmp = tarfile.TarInfo("tmp")
        tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(tmp)
        for entry in files:
            source, _, destination = entry.rpartition("=")
            content = Path(source).read_bytes()
            info = tarfile.TarInfo(destination.lstrip("/"))
            info.size = len(content)
            info.mode = 0o755 if Path(source).stat().st_mode & stat.S_IXUSR else 0o644
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_image(out: Path, name: str, layer: bytes, runtime: dict[str, Any]) -> None:
    config = to_json(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": runtime,
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        }
    )
    manifest = to_json(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": descriptor("config.v1+json", config),
            "layers": [descriptor("layer.v1.tar", layer)],
        }
    )
    # containerd takes the image's name from the first annotation, other tools the tag from the second
    names = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }
    index = to_json(
        {
            "schemaVersion": 2,
            "manifests": [descriptor("manifest.v1+json", manifest) | {"annotations": names}],
        }
    )
    entries = {"oci-layout": to_json({"imageLayoutVersion": "1.0.0"}), "index.json": index}
    for blob in (config, manifest, layer):
        entries["blobs/" + digest(blob).replace(":", "/")] = blob

    unfinished = out.with_suffix(".part")
    with tarfile.open(unfinished, "w") as tar:
        for path, blob in entries.items():
            info = tarfile.TarInfo(path)
            info.size = len(blob)
            tar.addfile(info, io.BytesIO(blob))
    unfinished.rename(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("name", help="NAME:TAG")
    parser.add_argument("--file", action="append", required=True, metavar="SOURCE=DESTINATION")
    parser.add_argument("--entrypoint", nargs="+", default=[])
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()

    layer = layer_of_files(options.file)
    runtime = {"Env": [SEARCH_PATH, *options.env], "Entrypoint": options.entrypoint}
    write_image(options.out, options.name, layer, runtime)


if __name__ == "__main__":
    main()
