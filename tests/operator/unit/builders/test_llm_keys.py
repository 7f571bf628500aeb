"""Keys of language models and of services: Secrets of the tenant's own namespace, for the pods that ask."""

import json
from pathlib import Path
from typing import Any

import pytest

from munshi.errors import UserMistake
from munshi.inference import InferenceSettings
from munshi.llm.settings import LlmSettings
from munshi_operator.builders import parse_blueprint
from munshi_operator.drift import CONFIG
from munshi_operator.types import Manifest
from rig.golden import FULL, MEDIA, SMALL, children, tenant, with_bucket

KEYS = "llmKeysSecret: llm-keys\n"
SERVICES = "serviceKeysSecret: service-keys\n"


def template(manifests: list[Manifest], component: str) -> dict[str, Any]:
    (found,) = (
        one
        for one in manifests
        if one["kind"] == "Deployment"
        and one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    )
    made: dict[str, Any] = found["spec"]["template"]
    return made


def test_the_orchestrator_finds_them_where_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    pod = template(children(tenant(), SMALL + KEYS), "orchestrator")["spec"]
    (container,) = pod["containers"]
    for entry in container["env"]:
        monkeypatch.setenv(entry["name"], entry["value"])
    (mount,) = (one for one in container["volumeMounts"] if one["name"] == "llm-keys")
    assert Path(mount["mountPath"]) == LlmSettings().llm_keys_dir
    assert mount["readOnly"] is True
    assert "subPath" not in mount, "a file of a subPath does not follow its Secret"
    (volume,) = (one for one in pod["volumes"] if one["name"] == "llm-keys")
    assert volume["secret"]["secretName"] == "llm-keys"
    assert volume["secret"]["optional"] is True, "a namespace without keys starts too"


@pytest.mark.parametrize("blueprint", [SMALL + KEYS, FULL + KEYS])
def test_whoever_the_process_runs_as_can_read_them(blueprint: str) -> None:
    pod = template(children(tenant(), blueprint), "orchestrator")["spec"]
    (volume,) = (one for one in pod["volumes"] if one["name"] == "llm-keys")
    mode = volume["secret"]["defaultMode"]
    assert mode & (0o040 if pod["securityContext"].get("fsGroup") else 0o004)
    assert not mode & 0o222


@pytest.mark.parametrize("component", ["ingress", "media"])
def test_no_other_pod_has_them(component: str) -> None:
    with_keys = children(tenant(), SMALL + MEDIA + KEYS, opened=with_bucket)
    assert "llm-keys" not in json.dumps(template(with_keys, component))
    without = children(tenant(), SMALL + MEDIA, opened=with_bucket)
    assert template(with_keys, component) == template(without, component), "its pods would be replaced"


def test_without_a_secret_nothing_of_it_is_there() -> None:
    assert "llm" not in json.dumps(template(children(tenant(), SMALL), "orchestrator")).lower()


def test_another_secret_replaces_orchestrators() -> None:
    configs = {
        template(children(tenant(), SMALL + more), "orchestrator")["metadata"]["annotations"][CONFIG]
        for more in ("", KEYS, KEYS.replace("llm-keys", "other"))
    }
    assert len(configs) == 3


def test_a_name_that_no_secret_can_have_is_refused() -> None:
    with pytest.raises(UserMistake, match="llmKeysSecret"):
        parse_blueprint(SMALL + "llmKeysSecret: Not A Name\n")


@pytest.mark.parametrize(
    ("component", "names"),
    [
        ("ingress", set()),
        ("orchestrator", {"MUNSHI_EMBEDDINGS_KEY"}),
        ("media", {"MUNSHI_EMBEDDINGS_KEY", "MUNSHI_SPEECH_KEY", "MUNSHI_TTS_KEY"}),
    ],
)
def test_keys_of_services_are_settings_that_the_pod_reads(component: str, names: set[str]) -> None:
    with_keys = template(children(tenant(), SMALL + MEDIA + SERVICES, opened=with_bucket), component)
    without = template(children(tenant(), SMALL + MEDIA, opened=with_bucket), component)
    (container,) = with_keys["spec"]["containers"]
    taken = {entry["name"]: entry["valueFrom"] for entry in container["env"] if "valueFrom" in entry}
    assert taken.keys() == names
    assert names <= {f"MUNSHI_{name}".upper() for name in InferenceSettings.model_fields}
    assert all(one["secretKeyRef"]["name"] == "service-keys" for one in taken.values())
    assert all(one["secretKeyRef"]["optional"] is True for one in taken.values())
    same = with_keys["metadata"]["annotations"][CONFIG] == without["metadata"]["annotations"][CONFIG]
    assert same == (not names)
