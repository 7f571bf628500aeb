"""Runs tritonserver in a container, with its guard beside it: `serve.py --load-model=NAME …`.

Stays the container's first process, since no signal from inside kills that one, and the guard must be able to
end a server that has lost a model's process for good: the container ends with the server and is started anew.
`--check` imports what the models need, asks Tesseract what it reads, and starts no server.
"""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

PACKAGES = Path(os.environ.get("MUNSHI_TRITON_PACKAGES", "/opt/tritonserver/backends/python"))
"""Munshi's packages, with what they need."""
HTTP_PORT = 8000
NEEDED = (
    "munshi_inference.triton.serving",
    "munshi_inference.understanding",
    "munshi_inference.documents.page_reader",
    "munshi_inference.embeddings.load",
    "munshi_inference.speech.load",
)
FIXED = (
    "--model-control-mode=explicit",
    "--exit-on-error=false",
    "--strict-readiness=false",
    "--disable-auto-complete-config",
    "--exit-timeout-secs=20",
    f"--http-port={HTTP_PORT}",
    "--grpc-port=8001",
    "--metrics-port=8002",
    "--grpc-max-connection-age=30000",
    "--grpc-max-connection-age-grace=60000",
)
"""A model that does not load is left out and the others are served; names come with the chart's values.

A client keeps its connection, and a Service leads a connection to one pod: it is made anew every half minute
(30,000 ms), or a pod that is added would have nothing to do. What is asked by then is answered on the old.
"""
TRAINED = {"eng", "hin", "sin"}
"""What Tesseract must be able to read."""


def check() -> None:
    """Imports what the models need, and asks Tesseract.

    Raises:
        ImportError: something is missing, or is made for another Python.
        SystemExit: Tesseract lacks a language.
    """
    sys.path.append(str(PACKAGES))
    for name in NEEDED:
        importlib.import_module(name)
    found = importlib.import_module("munshi_inference.documents.engines.tesseract").TesseractEngine()
    if missing := TRAINED - found.languages:
        sys.exit(f"Tesseract lacks {', '.join(sorted(missing))}")


def command(arguments: Sequence[str]) -> list[str]:
    """The server's command line."""
    server = os.environ.get("MUNSHI_TRITON_SERVER", "tritonserver")
    return [server, f"--model-repository={PACKAGES}/munshi_inference/models", *FIXED, *arguments]


def serve(arguments: Sequence[str]) -> int:
    """Runs server and guard until the server ends; its exit status."""
    server = subprocess.Popen(command(arguments))  # noqa: S603 (a program of the image)
    guard = PACKAGES / "munshi_inference" / "triton" / "guard.py"
    watching = [sys.executable, "-I", "-S", str(guard), str(server.pid), str(HTTP_PORT)]
    beside = subprocess.Popen(watching)  # noqa: S603 (a program of our own)

    def hand_on(number: int, _: FrameType | None) -> None:
        server.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    status = server.wait()
    try:
        beside.wait(timeout=5)  # it ends with the server, once no model is left
    except subprocess.TimeoutExpired:
        beside.kill()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check()
    else:
        sys.exit(serve(sys.argv[1:]))
