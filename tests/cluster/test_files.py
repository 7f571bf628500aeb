"""skaffold.yaml, kind's file, the Dockerfile and the chart say the same. Needs no Docker and no cluster."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

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
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "images/Dockerfile").read_text(), re.MULTILINE)
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
    """Every distribution of ours that is named in a lock's project file, and the lock itself."""
    for artifact in skaffold["build"]["artifacts"]:
        name = artifact["image"].removeprefix("munshi/")
        paths = set(artifact["custom"]["dependencies"]["paths"])
        if name.startswith("demo-"):
            assert "requirements/run.txt" in paths
        else:
            assert {f"requirements/image-{name}.txt", "src/**", "pyproject.toml"} <= paths
            assert any(path.endswith(f"{name}/src/**") for path in paths)


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
    assert set(re.sub(r"- ", "-", named[1]).split(", ")) == _image_targets()


@pytest.mark.skipif(shutil.which("skaffold") is None, reason="skaffold is not installed")
def test_skaffold_reads_its_file() -> None:
    done = subprocess.run(
        ["skaffold", "diagnose", "--yaml-only"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
