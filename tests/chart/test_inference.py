"""Model servers and language models by the chart: off, on CPUs, on GPUs, elsewhere; switched on later."""

import json
from typing import Any

import pytest

from chart.cases import CASES
from chart.rendering import EXISTING, Rendered, merged, render
from munshi.llm.settings import LlmSettings

ON = (
    "model servers",
    "model servers on the CPU, scaled",
    "model servers on GPUs, scaled",
    "language models elsewhere",
    "language models everywhere",
)


def test_model_servers_are_off_unless_they_are_asked_for() -> None:
    rendered = render(CASES["an object store"])
    assert "munshi-triton" not in rendered.text
    assert "vllm" not in rendered.text
    assert "nvidia.com/gpu" not in rendered.text


def test_services_are_told_of_the_model_servers() -> None:
    rendered = render(CASES["model servers"])
    blueprint = rendered.blueprint()
    assert blueprint.media is not None
    for told in (
        rendered.settings_of("munshi-pool-orchestrator"),
        rendered.settings_of("munshi-pool-media"),
        blueprint.orchestrator.env,
        blueprint.media.env,
    ):
        assert told["MUNSHI_TRITON_URL"] == "munshi-triton.munshi.svc:8001"
    for told in (rendered.settings_of("munshi-pool-orchestrator"), blueprint.orchestrator.env):
        assert told["MUNSHI_TRITON_HTTP_URL"] == "munshi-triton.munshi.svc:8000"
        (model,) = json.loads(told["MUNSHI_LLM_MODELS"])
        assert model["url"] == "http://munshi-vllm.munshi.svc:8000/v1"
        assert model["cache_salt"] is True, "tenants share a prefix cache"
    for told in (rendered.settings_of("munshi-pool-media"), blueprint.media.env, blueprint.ingress.env):
        assert "MUNSHI_TRITON_HTTP_URL" not in told
        assert "MUNSHI_LLM_MODELS" not in told
    assert "MUNSHI_TRITON_URL" not in rendered.settings_of("munshi-pool-ingress")
    ports = rendered.one("Service", "munshi-triton")["spec"]["ports"]
    assert {port["name"]: port["port"] for port in ports} == {"http": 8000, "grpc": 8001}
    assert rendered.one("Service", "munshi-vllm")["spec"]["ports"][0]["port"] == 8000


def test_what_people_say_of_models_wins() -> None:
    own = {"pool": {"orchestrator": {"settings": {"MUNSHI_LLM_MODELS": "[]"}}}}
    rendered = render(merged(CASES["model servers"], own))
    (container,) = rendered.pod_of("munshi-pool-orchestrator")["containers"]
    said = [one["value"] for one in container["env"] if one["name"] == "MUNSHI_LLM_MODELS"]
    assert said == ["[]"]


def test_gpus_are_asked_for_by_values_alone() -> None:
    on_cpu = render(CASES["model servers"])
    assert "nvidia.com/gpu" not in json.dumps(on_cpu.pod_of("munshi-triton"))
    on_gpu = render(CASES["model servers on GPUs, scaled"])
    for name, gpus in (("munshi-triton", 1), ("munshi-vllm", 2)):
        (container,) = on_gpu.pod_of(name)["containers"]
        assert container["resources"]["limits"]["nvidia.com/gpu"] == gpus
    (vllm,) = on_gpu.pod_of("munshi-vllm")["containers"]
    assert {"--tensor-parallel-size=2", "--quantization=awq", "--model=/models/qwen"} <= set(vllm["args"])
    assert "--enable-prefix-caching" in vllm["args"]
    cpu = render(merged(CASES["model servers"], {"inference": {"vllm": {"gpu": False}}}))
    assert "nvidia.com/gpu" not in cpu.text
    env = on_gpu.settings_of("munshi-vllm")
    assert env["HF_HUB_OFFLINE"] == "1", "nothing is fetched from a hub"


def test_model_servers_are_scaled_by_what_waits() -> None:
    rendered = render(CASES["model servers on GPUs, scaled"])
    for name, metrics in (
        ("munshi-triton", ["nv_inference_queue_duration_us"]),
        ("munshi-vllm", ["vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"]),
    ):
        assert "replicas" not in rendered.one("Deployment", name)["spec"]
        triggers = rendered.one("ScaledObject", name)["spec"]["triggers"]
        for trigger, metric in zip(triggers, metrics, strict=True):
            assert metric in trigger["metadata"]["query"]
            assert 'namespace="munshi"' in trigger["metadata"]["query"]


def test_only_orchestrators_and_media_services_of_the_platform_reach_the_model_servers() -> None:
    rendered = render(CASES["model servers on GPUs, scaled"])
    triton = rendered.one("NetworkPolicy", "munshi-triton")["spec"]["ingress"]
    askers = {"http": ["munshi-orchestrator"], "grpc": ["munshi-orchestrator", "munshi-media"]}
    for port, names in askers.items():
        (peer,) = next(rule["from"] for rule in triton if rule["ports"][0]["port"] == port)
        assert peer["namespaceSelector"]["matchExpressions"][0]["values"] == ["munshi", "shops", "stores"]
        assert peer["podSelector"]["matchExpressions"][0]["values"] == names
        assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/part-of": "munshi"}
    assert rendered.one("NetworkPolicy", "munshi-vllm")["spec"]["egress"] == []
    wide = render(CASES["model servers"])
    (rule,) = wide.one("NetworkPolicy", "munshi-vllm")["spec"]["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchExpressions"][0]["values"] == ["munshi-orchestrator"]


# --- switched on by `helm upgrade` ---

_FIXED = {
    "Deployment": ("selector",),
    "Service": ("clusterIP", "type"),
    "PersistentVolumeClaim": ("accessModes", "resources", "storageClassName"),
}
"""Fields that an API server lets nobody change."""


def _by_name(rendered: Rendered) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one
        for one in rendered.objects
    }


@pytest.mark.parametrize("case", ON)
def test_an_upgrade_to_it_takes_nothing_away_and_changes_nothing_that_is_fixed(case: str) -> None:
    before = _by_name(render({**CASES[case], "inference": {}}, "--is-upgrade"))
    after = _by_name(render(CASES[case], "--is-upgrade"))
    assert before.keys() <= after.keys()
    for key, old in before.items():
        for name in _FIXED.get(key[0], ()):
            assert old["spec"].get(name) == after[key]["spec"].get(name), key


@pytest.mark.parametrize("case", ON)
def test_an_upgrade_to_it_replaces_only_the_pods_that_ask_models(case: str) -> None:
    before = _by_name(render({**CASES[case], "inference": {}}, "--is-upgrade"))
    after = _by_name(render(CASES[case], "--is-upgrade"))
    replaced = {
        key[2]
        for key, old in before.items()
        if key[0] == "Deployment" and old["spec"]["template"] != after[key]["spec"]["template"]
    }
    asking = {"munshi-operator", "munshi-pool-orchestrator"}  # the operator reads its blueprint at the start
    assert asking <= replaced <= asking | {"munshi-pool-media"}


def test_on_the_cpu_no_gpu_is_asked_for_and_queues_scale_all_the_same() -> None:
    rendered = render(CASES["model servers on the CPU, scaled"])
    assert "nvidia.com/gpu" not in rendered.text
    for name in ("munshi-triton", "munshi-vllm"):
        deployment = rendered.one("Deployment", name)["spec"]
        assert "replicas" not in deployment
        assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert rendered.of("ScaledObject", name)
    (vllm,) = rendered.pod_of("munshi-vllm")["containers"]
    assert not [one for one in vllm["args"] if one.startswith("--gpu")]
    assert "--enforce-eager" in vllm["args"], "there is no compiler in its image"
    assert vllm["image"] == "munshi/vllm:0.1.0"
    assert rendered.settings_of("munshi-vllm")["VLLM_CPU_KVCACHE_SPACE"] == "4", "else a share of the node's"


def test_vllm_asks_for_a_key_that_stands_in_no_object_of_the_chart() -> None:
    rendered = render(CASES["model servers on the CPU, scaled"])
    (vllm,) = rendered.pod_of("munshi-vllm")["containers"]
    (key,) = [one for one in vllm["env"] if one["name"] == "VLLM_API_KEY"]
    assert key["valueFrom"] == {"secretKeyRef": {"name": "llm-keys", "key": "vllm"}}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert vllm[probe]["httpGet"]["path"] in ("/health", "/version"), "its other pages ask for the key"
    (model,) = json.loads(rendered.settings_of("munshi-pool-orchestrator")["MUNSHI_LLM_MODELS"])
    assert (model["prompt_price"], model["completion_price"], model["seconds"]) == ("0.1", "0", 60)
    plain = render(CASES["model servers"])
    assert "VLLM_API_KEY" not in plain.text


# --- language models elsewhere, with keys ---


def test_models_reach_orchestrators_as_they_take_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = render(CASES["language models everywhere"])
    for told in (rendered.settings_of("munshi-pool-orchestrator"), rendered.blueprint().orchestrator.env):
        monkeypatch.setenv("MUNSHI_LLM_MODELS", told["MUNSHI_LLM_MODELS"])
        vllm, small, own = LlmSettings().llm_models
        assert (vllm.name, vllm.cache_salt) == ("vllm", True)
        assert (small.name, small.url, small.model) == ("small", "https://api.example/v1", "small-3")
        assert (str(small.prompt_price), str(small.completion_price), small.seconds) == ("0.10", "0.4", 8)
        assert (own.cache_salt, own.seconds) == (True, 15)


def test_keys_are_files_of_the_pools_orchestrators_alone() -> None:
    rendered = render(CASES["language models everywhere"])
    pod = rendered.pod_of("munshi-pool-orchestrator")
    (volume,) = (one["secret"] for one in pod["volumes"] if one["name"] == "llm-keys")
    assert volume == {"secretName": "llm-keys", "optional": True, "defaultMode": 0o444}
    (mount,) = (one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "llm-keys")
    assert rendered.settings_of("munshi-pool-orchestrator")["MUNSHI_LLM_KEYS_DIR"] == mount["mountPath"]
    assert mount["readOnly"] is True
    assert "subPath" not in mount, "a file of a subPath does not follow its Secret"
    named = [name for name, pod in rendered.pods() if "llm-keys" in json.dumps(pod)]
    assert named == ["Deployment/munshi-pool-orchestrator"]
    with_user = render(CASES["language models elsewhere"]).pod_of("munshi-pool-orchestrator")
    assert [one["secret"]["defaultMode"] for one in with_user["volumes"] if one["name"] == "llm-keys"] == [
        0o440
    ]


def test_the_operator_learns_the_name_of_the_secret_and_no_key() -> None:
    rendered = render(CASES["language models elsewhere"])
    assert rendered.blueprint().llm_keys_secret == "llm-keys"
    assert not rendered.of("Secret", "llm-keys"), "the chart makes no Secret with keys"
    for one in (*rendered.of("Role"), *rendered.of("ClusterRole")):
        assert "llm-keys" not in json.dumps(one)


def test_without_a_secret_nothing_of_it_is_there() -> None:
    rendered = render(EXISTING)
    assert "llm-keys" not in rendered.text
    assert "MUNSHI_LLM_KEYS_DIR" not in rendered.text
    assert rendered.blueprint().llm_keys_secret == ""


def test_keys_of_services_come_out_of_a_secret_to_who_asks_them() -> None:
    rendered = render(CASES["language models everywhere"])
    assert rendered.blueprint().service_keys_secret == "service-keys"
    found = {
        name.removeprefix("Deployment/munshi-pool-"): {
            one["name"]: one["valueFrom"]["secretKeyRef"]
            for one in pod["containers"][0].get("env", ())
            if one.get("valueFrom", {}).get("secretKeyRef", {}).get("name") == "service-keys"
        }
        for name, pod in rendered.pods()
        if "service-keys" in json.dumps(pod)
    }
    assert {name: set(keys) for name, keys in found.items()} == {
        "media": {"MUNSHI_SPEECH_KEY", "MUNSHI_TTS_KEY", "MUNSHI_EMBEDDINGS_KEY"},
        "orchestrator": {"MUNSHI_EMBEDDINGS_KEY"},
    }
    assert found["media"]["MUNSHI_TTS_KEY"] == {"name": "service-keys", "key": "tts-key", "optional": True}
    assert "service-keys" not in render(EXISTING).text
