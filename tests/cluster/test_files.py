"""skaffold.yaml, kind's file, the Dockerfile and the chart say the same. Needs no Docker and no cluster."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rig.waiting import PATIENCE_SECONDS, wait_for

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "images" / "Dockerfile").read_text()

# The fields that the files may use, as the references of skaffold (v4beta13) and kind (v1alpha4) list them.
SKAFFOLD_FIELDS = {
    "": {"apiVersion", "kind", "metadata", "build", "deploy", "portForward"},
    "build": {"artifacts", "tagPolicy", "local", "hooks", "platforms", "insecureRegistries"},
    "build.local": {"push", "tryImportMissing", "useDockerCLI", "useBuildkit", "concurrency"},
    "build.artifacts": {"image", "context", "custom", "docker", "hooks", "platforms", "requires", "sync"},
    "build.artifacts.custom": {"buildCommand", "dependencies"},
    "build.artifacts.custom.dependencies": {"dockerfile", "command", "paths", "ignore"},
    "deploy": {"helm", "kubectl", "kubeContext", "statusCheck", "statusCheckDeadlineSeconds", "logs"},
    "deploy.helm": {"releases", "flags", "hooks", "concurrency"},
    "deploy.helm.releases": {
        *(
            "name",
            "chartPath",
            "remoteChart",
            "valuesFiles",
            "namespace",
            "version",
            "createNamespace",
            "wait",
        ),
        *("setValues", "setValueTemplates", "setFiles", "overrides", "upgradeOnChange", "skipTests"),
    },
    "portForward": {"resourceType", "resourceName", "namespace", "port", "address", "localPort"},
}
KIND_FIELDS = {
    "": {"kind", "apiVersion", "name", "nodes", "networking", "featureGates", "runtimeConfig"},
    "nodes": {"role", "image", "labels", "extraMounts", "extraPortMappings", "kubeadmConfigPatches"},
}


def _load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def _unknown(value: Any, fields: dict[str, set[str]], path: str = "") -> list[str]:
    """Paths of fields that the reference does not list, as far down as `fields` goes."""
    if isinstance(value, list):
        return [one for element in value for one in _unknown(element, fields, path)]
    if path not in fields or not isinstance(value, dict):
        return []
    found = [f"{path}.{name}" for name in value if name not in fields[path]]
    for name, below in value.items():
        found += _unknown(below, fields, f"{path}.{name}".lstrip("."))
    return found


@pytest.fixture(scope="module")
def skaffold() -> Any:
    return _load("skaffold.yaml")


def _image_targets() -> set[str]:
    """The Dockerfile's final stages."""
    stages = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE)
    return {
        stage for stage in stages if stage not in {"base", "finishing"} and not stage.startswith("finish-")
    }


@pytest.mark.parametrize(
    ("path", "fields"), [("skaffold.yaml", SKAFFOLD_FIELDS), ("tools/kind.yaml", KIND_FIELDS)]
)
def test_only_documented_fields(path: str, fields: dict[str, set[str]]) -> None:
    assert _unknown(_load(path), fields) == []


def test_skaffold_builds_every_image_once(skaffold: Any) -> None:
    built = [artifact["image"] for artifact in skaffold["build"]["artifacts"]]
    assert sorted(built) == sorted(f"munshi/{target}" for target in _image_targets())


def test_what_skaffold_watches_is_there(skaffold: Any) -> None:
    for artifact in skaffold["build"]["artifacts"]:
        for pattern in artifact["custom"]["dependencies"]["paths"]:
            assert any(ROOT.glob(pattern.removesuffix("/**"))), f"{artifact['image']}: {pattern}"


def test_skaffold_watches_all_that_an_image_is_made_of(skaffold: Any) -> None:
    """Every distribution of ours that a lock's project file names, the lock itself, Debian's programs."""
    for artifact in skaffold["build"]["artifacts"]:
        name = artifact["image"].removeprefix("munshi/")
        paths = set(artifact["custom"]["dependencies"]["paths"])
        if name.startswith("demo-"):
            assert "requirements/run.txt" in paths
        else:
            assert {f"requirements/image-{name}.txt", "src/**", "pyproject.toml"} <= paths
            assert any(path.endswith(f"{name}/src/**") for path in paths)
            assert ("images/base" in paths) == (f"COPY {name}/programs /" in DOCKERFILE)


def test_the_chart_takes_every_image_from_skaffold(skaffold: Any) -> None:
    (release,) = skaffold["deploy"]["helm"]["releases"]
    images = {
        name: value["repository"] for name, value in _load("helm/munshi/values.yaml")["images"].items()
        if isinstance(value, dict)
    }  # fmt: skip
    assert sorted(images.values()) == sorted(f"munshi/{target}" for target in _image_targets())
    wanted = {}
    for name, repository in images.items():
        variable = re.sub(r"[/-]", "_", repository)
        wanted[f"images.{name}.repository"] = f"{{{{.IMAGE_REPO_{variable}}}}}"
        wanted[f"images.{name}.tag"] = f"{{{{.IMAGE_TAG_{variable}}}}}"
    assert release["setValueTemplates"] == wanted


def test_the_images_command_knows_every_target() -> None:
    listed = subprocess.run(
        [sys.executable, ROOT / "tools" / "images.py", "--help"], capture_output=True, text=True, check=True
    ).stdout
    named = re.search(r"of ([a-z, -]+);", re.sub(r"\s+", " ", listed))
    assert named is not None
    assert set(re.sub(r"- ", "-", named[1]).split(", ")) == _image_targets() | {"inference", "vllm"}


# --- Triton's image: on its vendor's, which has to be pulled, or on the base of all others ---

INFERENCE = ROOT / "images" / "inference"


def test_tritons_dockerfile_copies_what_the_images_command_collects() -> None:
    text = (INFERENCE / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\S+) ", text, re.MULTILINE))
    assert copied == {"inference/lib", "inference/app", "inference/programs", "inference/server", "serve.py"}
    assert re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE) == ["vendors", "wheel", "inference"]
    assert "ARG STANDS_ON=vendors\n" in text
    users = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert users[-1] == "65532:65532", "it does not end as root"


def test_tritons_image_stands_on_its_vendors_where_that_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_BASE_IMAGE", raising=False)
    images = _tool("images", monkeypatch)
    inference, docker, buildah = images.IMAGES["inference"], images.Docker(), images.Buildah()

    def stands_on(builder: Any, wanted: str = "") -> str:
        return str(images.chosen(inference, builder, wanted).triton)

    assert (stands_on(docker), stands_on(docker, "wheel")) == ("vendors", "wheel")
    assert (stands_on(buildah), stands_on(buildah, "vendors")) == ("wheel", "vendors")
    assert images.bases_of(inference, docker) == {}
    monkeypatch.setenv("TRITON_BASE_IMAGE", "localhost/triton")
    assert stands_on(buildah) == "vendors"
    assert images.bases_of(inference, buildah) == {"VENDORS_IMAGE": "localhost/triton"}


def test_tritons_server_out_of_its_wheel_stands_on_the_base_of_all_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = _tool("images", monkeypatch)
    monkeypatch.setenv("BASE_IMAGE", "localhost/python")
    on_wheel = images.on_wheel(images.IMAGES["inference"])
    bases = images.bases_of(on_wheel, images.Docker())
    assert bases == {"STANDS_ON": "wheel", "BASE_IMAGE": "localhost/python"}
    assert on_wheel.python == images.IMAGES["ingress"].python


def test_tritons_image_holds_the_lock_of_one_machine_without_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context, images = (_tool(name, monkeypatch) for name in ("imaging.context", "imaging.listed"))
    lock = context.lock_of(images.IMAGES["inference"])
    assert "numpy==1." in lock
    assert "rapidocr==" in lock
    assert "pytriton" not in lock
    assert all(line.startswith(("#", "    --hash=")) or "==" in line for line in lock.splitlines())


def _tool(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of `tools/`."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    return importlib.import_module(name)


_READ = {"tesseract-ocr", "tesseract-ocr-hin", "tesseract-ocr-sin"}


def test_images_have_the_programs_that_one_machine_has() -> None:
    ours = re.search(r"^programs=\((.*)\)$", (ROOT / "images" / "base").read_text(), re.MULTILINE)
    assert ours is not None
    packages = set(ours[1].split())
    assert packages == _READ | {"espeak-ng"}
    tritons = re.search(r"^triton=\((.*)\)$", (ROOT / "images" / "base").read_text(), re.MULTILINE)
    assert tritons is not None
    assert set(tritons[1].split()) > _READ
    wanted = (ROOT / "tools" / "system-packages").read_text()
    assert all(re.search(rf"(?<=\s){re.escape(name)}(?=\s)", wanted) for name in packages)


def test_tritons_image_reads_what_the_media_service_reads() -> None:
    (line,) = (one for one in (INFERENCE / "Dockerfile").read_text().splitlines() if "apt-get install" in one)
    assert "--no-install-recommends" in line
    assert set(line.split()) >= _READ
    assert 'TRAINED = {"eng", "hin", "sin"}' in (INFERENCE / "serve.py").read_text()


def test_tritons_image_is_not_built_without_what_its_models_need(tmp_path: Path) -> None:
    import munshi_inference

    def check(path: str) -> "subprocess.CompletedProcess[str]":
        packages = str(Path(munshi_inference.__path__[0]).parent)
        environment = {**os.environ, "MUNSHI_TRITON_PACKAGES": packages, "PATH": path}
        return subprocess.run(
            [sys.executable, "-P", INFERENCE / "serve.py", "--check"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    without = check(str(tmp_path))
    assert without.returncode != 0
    assert "install Tesseract" in without.stderr
    few = tmp_path / "tesseract"
    few.write_text("#!/bin/sh\nprintf 'List of available languages:\\neng\\nhin\\n'\n")
    few.chmod(0o755)
    told = check(f"{tmp_path}:{os.environ['PATH']}")
    assert (told.returncode, told.stderr.strip()) == (1, "Tesseract lacks sin")
    if shutil.which("tesseract") is None:
        pytest.skip("Tesseract is not installed: make system-packages")
    assert check(os.environ["PATH"]).returncode == 0


SERVER = """#!{python}
import json, pathlib, signal, sys
home = pathlib.Path({home!r})
(home / "arguments").write_text(json.dumps(sys.argv[1:]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
(home / "up").touch()
signal.pause()
"""


def test_tritons_first_process_hands_signals_on_and_ends_with_the_server(tmp_path: Path) -> None:
    packages, server = tmp_path / "packages", tmp_path / "tritonserver"
    guard = packages / "munshi_inference" / "triton" / "guard.py"
    guard.parent.mkdir(parents=True)
    guard.symlink_to(ROOT / "services/inference/src/munshi_inference/triton/guard.py")
    server.write_text(SERVER.format(python=sys.executable, home=str(tmp_path)))
    server.chmod(0o755)
    environment = {"MUNSHI_TRITON_PACKAGES": str(packages), "MUNSHI_TRITON_SERVER": str(server)}
    first = subprocess.Popen(
        [sys.executable, INFERENCE / "serve.py", "--load-model=ledger_nlu"], env={**os.environ, **environment}
    )
    try:
        wait_for((tmp_path / "up").exists, "the server is up")
        first.terminate()
        assert first.wait(timeout=PATIENCE_SECONDS) == 7
    finally:
        first.kill()
        first.wait()
    arguments = json.loads((tmp_path / "arguments").read_text())
    assert arguments[-1] == "--load-model=ledger_nlu"
    assert f"--model-repository={packages}/munshi_inference/models" in arguments
    assert "--http-port=8000" in arguments


def test_the_chart_asks_triton_where_it_listens() -> None:
    text = (INFERENCE / "serve.py").read_text()
    template = (ROOT / "helm/munshi/templates/inference/triton.yaml").read_text()
    for name, flag in (("grpc", "--grpc-port=8001"), ("metrics", "--metrics-port=8002")):
        assert flag in text
        assert f"name: {name}, containerPort: {flag.partition('=')[2]}" in template
    assert (
        _load("helm/munshi/values.yaml")["inference"]["triton"]["image"]["repository"] == "munshi/inference"
    )


@pytest.mark.skipif(shutil.which("skaffold") is None, reason="skaffold is not installed")
def test_skaffold_reads_its_file() -> None:
    done = subprocess.run(
        ["skaffold", "diagnose", "--yaml-only"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
