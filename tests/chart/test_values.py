"""Values that are wrong are refused before anything reaches a cluster, in words that say what to do."""

import json
import subprocess
import sys
from typing import Any

import pytest

from chart.programs import CHART, ROOT
from chart.rendering import EXISTING, merged, refusal

# values over EXISTING, and words of the refusal
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a key that is misspelled": ({"pool": {"ingres": {"replicas": 3}}}, "'ingres' not allowed"),
    "an unknown block": ({"postgres": {"url": "x"}}, "'postgres' not allowed"),
    "text for a number": ({"pool": {"partitions": "many"}}, "/pool/partitions"),
    "no replica": ({"operator": {"replicas": 0}}, "/operator/replicas"),
    "a route that is none of them": (
        {"webhooks": {"route": "Route"}},
        "value must be one of 'HTTPRoute', 'Ingress', 'None'",
    ),
    "a path in the public address": ({"webhooks": {"url": "https://a.example/hooks"}}, "/webhooks/url"),
    "a digest that is none": ({"images": {"ingress": {"digest": "sha256:abc"}}}, "/images/ingress/digest"),
    "an address of another kind": ({"nats": {"url": "http://nats:4222"}}, "/nats/url"),
    "a setting under another name": (
        {"operator": {"settings": {"PARALLEL": "3"}}},
        "/operator/settings",
    ),
    "a namespace in capitals": ({"operator": {"namespaces": ["Shops"]}}, "/operator/namespaces/0"),
    "root": ({"pods": {"runAsUser": 0}}, "/pods/runAsUser"),
    "a switch that is none": ({"inference": {"enabled": True}}, "'enabled' not allowed"),
    "a model of nobody": ({"inference": {"triton": {"models": ["gpt"]}}}, "/inference/triton/models/0"),
    "speech without weights": (
        {"inference": {"triton": {"enabled": True, "models": ["speech"]}}},
        "set inference.triton.speechModel",
    ),
    "weights without a volume": (
        {"inference": {"triton": {"enabled": True, "speechModel": "/models/whisper"}}},
        "set inference.triton.modelsClaim",
    ),
    "vLLM without a model": ({"inference": {"vllm": {"enabled": True}}}, "needs inference.vllm.model"),
    "a key of vLLM that no orchestrator has": (
        {
            "inference": {
                "vllm": {"enabled": True, "model": "/models/a", "modelsClaim": "b", "existingSecret": "c"}
            }
        },
        "one under vllm in inference.llm.existingSecret",
    ),
    "Triton scaled without Prometheus": (
        {"inference": {"triton": {"enabled": True, "maxReplicas": 3}}},
        "inference.triton.maxReplicas is scaled by KEDA out of Prometheus",
    ),
    "vLLM scaled by metrics that nobody may read": (
        {
            "inference": {
                "vllm": {"enabled": True, "model": "/models/a", "modelsClaim": "b", "maxReplicas": 3}
            }
        },
        "set networkPolicy.metricsFrom",
    ),
    "a language model with its key": (
        {"inference": {"llm": {"models": [{"name": "a", "url": "https://a/v1", "model": "a", "key": "sk"}]}}},
        "'key' not allowed",
    ),
    "keys of language models in the settings": (
        {"tenants": {"orchestrator": {"settings": {"MUNSHI_LLM_MODELS": '[{"name": "a", "key": "sk-1"}]'}}}},
        "put keys into a Secret, inference.llm.existingSecret",
    ),
    "a key of a service in the settings": (
        {"pool": {"media": {"settings": {"MUNSHI_TTS_KEY": "sk-1"}}}},
        "put it into a Secret, inference.services.existingSecret",
    ),
    "two language models of one name": (
        {"inference": {"llm": {"models": [{"name": "a", "url": "https://a/v1", "model": "a"}] * 2}}},
        "two models are named a",
    ),
    "an object store without its key": (
        {"objectStore": {"url": "s3://munshi", "endpoint": "https://s3.example"}},
        "objectStore.endpoint needs objectStore.existingSecret",
    ),
    "an object store without a bucket": (
        {"objectStore": {"endpoint": "https://s3.example"}},
        "without objectStore.url",
    ),
    "a bucket that is none": ({"objectStore": {"url": "munshi"}}, "/objectStore/url"),
    "two databases": ({"demo": {"enabled": True}}, "choose one"),
    "two ways to the database": (
        {"database": {"url": "postgresql://a:b@c/d"}},
        "database.url and database.existingSecret.name are both set",
    ),
    "a Gateway without a class": (
        {"webhooks": {"gateway": {"create": True}}},
        "webhooks.gateway.create needs webhooks.gateway.className",
    ),
    "a certificate without an issuer": (
        {"webhooks": {"tls": {"certManager": {"enabled": True}}}},
        "needs webhooks.tls.certManager.issuerName",
    ),
    "KEDA without Prometheus": (
        {"autoscaling": {"kind": "ScaledObject"}, "pool": {"orchestrator": {"maxReplicas": 4}}},
        "set autoscaling.prometheusUrl",
    ),
    "fewer pods at most than at least": (
        {"tenants": {"ingress": {"replicas": 4, "maxReplicas": 3}}},
        "tenants.ingress.maxReplicas is 3, below its replicas 4",
    ),
    "more pods than lanes": (
        {"pool": {"partitions": 4, "orchestrator": {"replicas": 5}}},
        "5 pods cannot share pool.partitions 4 lanes",
    ),
}
NOTHING_GIVEN: dict[str, tuple[dict[str, Any], str]] = {
    "no values at all": ({}, "no database: set database.existingSecret.name"),
    "no NATS": ({"database": {"existingSecret": {"name": "a"}}}, "no NATS: set nats.url"),
    "demo and a NATS": ({"demo": {"enabled": True}, "nats": {"url": "nats://a:1"}}, "brings its own NATS"),
    "demo with three replicas": ({"demo": {"enabled": True}, "nats": {"streamReplicas": 3}}, "must be 1"),
    "demo and CloudNativePG": (
        {"demo": {"enabled": True}, "cloudnativepg": {"enabled": True}},
        "both make a database",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_refused_with_the_reason(case: str) -> None:
    values, words = WRONG[case]
    assert words in refusal(merged(EXISTING, values))


@pytest.mark.parametrize("case", NOTHING_GIVEN)
def test_what_is_missing_is_named(case: str) -> None:
    values, words = NOTHING_GIVEN[case]
    assert words in refusal(values)


def test_every_value_is_explained() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    unexplained = [path for path, one in _all(schema, "") if not one.get("description")]
    assert not unexplained
    closed = [path for path, one in _all(schema, "") if "properties" in one and one["additionalProperties"]]
    assert not closed, "unknown keys are refused"


def _all(schema: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for key, one in schema.get("properties", {}).items():
        if not path.endswith("/resources"):
            found += [(f"{path}/{key}", one), *_all(one, f"{path}/{key}")]
    return found


def test_what_is_made_from_the_values_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "chart.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
