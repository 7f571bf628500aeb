"""Writes the locks in `requirements/`: versions and hashes, no address. `--check` fails when one is stale.

A lock starts with the SHA-256 of the dependency tables that it was made from, so the check needs no network.
"""

import argparse
import functools
import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
MEMBERS = [
    "pyproject.toml",
    *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("services/*/pyproject.toml")),
]
MEMBERS += ["migrations/pyproject.toml", "operator/pyproject.toml"]


def engine_extras() -> tuple[str, ...]:
    """Arguments for every engine that runs in process or in Triton, and is no matter of choice."""
    project = tomllib.loads((ROOT / "services/inference/pyproject.toml").read_text())["project"]
    wanted = [name for name in ENGINE_EXTRAS if name in project["optional-dependencies"]]
    return tuple(part for name in wanted for part in ("--extra", name))


ENGINE_EXTRAS = ("nlu", "ocr", "speech", "voices", "embeddings")
ENGINES = engine_extras()
INFERENCE = ("services/inference/pyproject.toml", "pyproject.toml")
"""Further projects whose extras an image has."""
MODELS = ("--extra", "triton", "--extra", "urls")
"""What speaks to Triton and to services behind OpenAI-compatible URLs."""

# lock: (project file, further arguments of the resolver)
TARGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "run": ("pyproject.toml", ("--extra", "embedded")),
    "dev": ("pyproject.toml", ("--extra", "embedded", "--group", "dev")),
    "engines": ("services/inference/pyproject.toml", (*ENGINES, "--constraints", "requirements/dev.txt")),
    "triton": (
        "services/inference/pyproject.toml",
        ("requirements/triton.in", *ENGINES, "--overrides", "requirements/triton-overrides.txt"),
    ),
    "image-ingress": ("services/ingress/pyproject.toml", ()),
    "image-orchestrator": ("services/orchestrator/pyproject.toml", (*INFERENCE, "--extra", "llm", *MODELS)),
    "image-media": ("services/media/pyproject.toml", (*INFERENCE, *ENGINES, *MODELS)),
    "image-emulator": ("services/emulator/pyproject.toml", ()),
    "image-migrations": ("migrations/pyproject.toml", ()),
    "image-operator": ("operator/pyproject.toml", ()),
}
VLLM = ("--overrides", "requirements/vllm-overrides.txt", "--excludes", "requirements/vllm-excludes.txt")
APART: dict[str, tuple[str, tuple[str, ...]]] = {"vllm": ("requirements/vllm.in", VLLM)}
"""Programs in environments of their own, which nothing of the workspace decides."""


def inputs(name: str) -> str:
    """One digest over everything that decides what a lock holds."""
    return apart(name) if name in APART else workspace()


def apart(name: str) -> str:
    """Over its own files alone, `name` with an ending each."""
    files = {path.name: path.read_text() for path in sorted(LOCKS.glob(f"{name}[-.]*"))}
    files.pop(f"{name}.txt", None)
    return hashlib.sha256(json.dumps([APART[name], files], sort_keys=True).encode()).hexdigest()


@functools.cache
def workspace() -> str:
    """Over everything in the workspace."""
    tables = {}
    for member in MEMBERS:
        data = tomllib.loads((ROOT / member).read_text())
        project = data["project"]
        tables[member] = {
            "python": project["requires-python"],
            "dependencies": project.get("dependencies", []),
            "extras": project.get("optional-dependencies", {}),
            "groups": data.get("dependency-groups", {}),
        }
    beside = {path.name: path.read_text() for path in (LOCKS / "triton.in", LOCKS / "triton-overrides.txt")}
    return hashlib.sha256(json.dumps([tables, TARGETS, beside], sort_keys=True).encode()).hexdigest()


def compile_lock(name: str) -> None:
    """Resolves one target; versions already in its lock are kept where they still fit."""
    project, arguments = (TARGETS | APART)[name]
    target = LOCKS / f"{name}.txt"
    command = [
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
    ]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", *arguments]
    subprocess.run(
        [*command, project, "--output-file", str(target)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    kept = [line for line in target.read_text().splitlines() if not line.startswith(("-e ", "--", "#"))]
    target.write_text("\n".join([f"# inputs: {inputs(name)}", "# made by `make lock`", *kept]) + "\n")


def stale() -> list[str]:
    """Locks that are missing or were made from other tables."""
    return [
        name
        for name in TARGETS | APART
        if not (path := LOCKS / f"{name}.txt").exists()
        or path.read_text().split("\n", 1)[0] != f"# inputs: {inputs(name)}"
    ]


def main() -> int:
    """Runs the command line; 0 done, 1 stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a lock is stale")
    parser.add_argument(
        "--upgrade", action="store_true", help="forget the locked versions and take the newest"
    )
    options = parser.parse_args()
    if options.check:
        old = stale()
        if old:
            print(f"stale locks: {', '.join(old)}; run `make lock` and commit requirements/", file=sys.stderr)
        return 1 if old else 0
    LOCKS.mkdir(exist_ok=True)
    for name in TARGETS | APART:
        if options.upgrade:
            (LOCKS / f"{name}.txt").unlink(missing_ok=True)
        compile_lock(name)
        print(f"requirements/{name}.txt")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
