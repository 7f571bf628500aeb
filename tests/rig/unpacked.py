"""An image's root file system, run as a pod would have it: read only, as nobody, without a network.

Needs root, and no node: namespaces and a `chroot` do.
"""

import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

USER = 65532

_ENTER = """
set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -o remount,ro,bind "$1"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
exec chroot --userspec="$2:$2" "$@"
"""


@dataclass(frozen=True)
class Unpacked:
    """One image in a folder."""

    root: Path
    environment: Mapping[str, str]
    """Of the image's own configuration."""
    user: str
    size: int
    """Bytes of all layers."""

    def run(
        self, *command: str, stdin: bytes = b"", seconds: float = 120
    ) -> "subprocess.CompletedProcess[bytes]":
        """Runs a program of it to its end."""
        enter = _ENTER.replace('"$@"', '"$1" "${@:3}"')
        apart = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private")
        return subprocess.run(
            [*apart, "bash", "-c", enter, "enter", str(self.root), str(USER), *command],
            env=dict(self.environment),
            input=stdin,
            capture_output=True,
            timeout=seconds,
            check=False,
        )


def unpack(archive: Path, folder: Path) -> Unpacked:
    """Lays the layers of a docker-archive over each other in `folder`."""
    with tarfile.open(archive) as outer:

        def member(name: str) -> bytes:
            found = outer.extractfile(name)
            assert found is not None, name
            return found.read()

        (manifest,) = json.loads(member("manifest.json"))
        config = json.loads(member(manifest["Config"]))["config"]
        size = 0
        for layer in manifest["Layers"]:
            size += outer.getmember(layer).size
            inner = outer.extractfile(layer)
            assert inner is not None, layer
            _extract(inner, folder)
    folder.chmod(0o755)  # it is everybody's root
    environment = dict(one.split("=", 1) for one in config.get("Env") or ())
    environment.setdefault("PATH", os.defpath)
    return Unpacked(folder, environment, config.get("User", ""), size)


def _extract(layer: object, folder: Path) -> None:
    with tarfile.open(fileobj=layer, mode="r:*") as tar:  # type: ignore[call-overload] # a file, says tarfile
        for one in tar:
            assert not Path(one.name).name.startswith(".wh."), "the images take nothing away"
            if not one.isdev():
                tar.extract(one, folder, filter="fully_trusted")
