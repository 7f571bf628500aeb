"""The table of values that the chart is judged by."""

from typing import Any

from chart.rendering import EXISTING, merged

_DIGEST = "sha256:" + "ab" * 32
_IMAGES = (
    "operator",
    "migrations",
    "ingress",
    "orchestrator",
    "media",
    "emulator",
    "demoNats",
    "demoPostgres",
)
_OBJECTS = {"objectStore": {"url": "s3://munshi", "endpoint": "https://s3.example", "existingSecret": "s3"}}
_MODELS = {
    "triton": {"enabled": True},
    "vllm": {"enabled": True, "model": "/models/qwen", "modelsClaim": "weights"},
}
_ELSEWHERE = {
    "models": [
        {
            "name": "small",
            "url": "https://api.example/v1",
            "model": "small-3",
            "promptPrice": "0.10",
            "completionPrice": 0.4,
            "seconds": 8,
        },
        {"name": "own", "url": "http://llm.models.svc:8000/v1", "model": "qwen", "cacheSalt": True},
    ],
    "existingSecret": "llm-keys",
}
_READ_BY_PROMETHEUS = {
    "autoscaling": {"prometheusUrl": "http://prometheus.monitoring:9090"},
    "networkPolicy": {"metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
}

_MONITORED = {
    "monitoring": {
        "podMonitors": {"enabled": True, "labels": {"release": "prometheus"}},
        "rules": {"enabled": True, "labels": {"release": "prometheus"}},
        "dashboards": {"enabled": True},
    }
}
_SCALED = {
    "pool": {
        "ingress": {"maxReplicas": 6},
        "orchestrator": {"maxReplicas": 8},
        "media": {"maxReplicas": 6},
    },
    "tenants": {
        "ingress": {"maxReplicas": 4},
        "orchestrator": {"maxReplicas": 4},
        "media": {"maxReplicas": 2},
    },
    **_OBJECTS,
}

CASES: dict[str, dict[str, Any]] = {
    "existing servers": EXISTING,
    "demo": {"demo": {"enabled": True}},
    "demo without volumes": {"demo": {"enabled": True, "storageClass": "-"}},
    "an address instead of a Secret": merged(
        EXISTING,
        {"database": {"existingSecret": {"name": ""}, "url": "postgresql://munshi_admin:x@db/munshi"}},
    ),
    "a superuser prepares the database": merged(
        EXISTING, {"database": {"superuserSecret": {"name": "postgres-root", "key": "uri"}}}
    ),
    "CloudNativePG": {
        "cloudnativepg": {"enabled": True, "storageClass": "fast", "imageName": "postgres:18"},
        "nats": EXISTING["nats"],
        "webhooks": EXISTING["webhooks"],
    },
    "CloudNativePG with backups": {
        "cloudnativepg": {
            "enabled": True,
            "backup": {"volumeSnapshot": {"className": "csi-snapshots"}, "retentionPolicy": "30d"},
        },
        "nats": EXISTING["nats"],
        "webhooks": EXISTING["webhooks"],
    },
    "monitoring": merged(EXISTING, _MONITORED),
    "autoscaling by CPU": merged(EXISTING, _SCALED),
    "autoscaling by KEDA": merged(
        EXISTING,
        _SCALED,
        {"autoscaling": {"kind": "ScaledObject", "prometheusUrl": "http://prometheus.monitoring:9090"}},
    ),
    "Ingress": merged(
        EXISTING,
        {
            "webhooks": {
                "route": "Ingress",
                "ingress": {"className": "nginx", "annotations": {"a.example/b": "c"}},
                "tls": {
                    "secretName": "hooks-tls",
                    "certManager": {"enabled": True, "issuerName": "letsencrypt"},
                },
            }
        },
    ),
    "own Gateway": merged(
        EXISTING,
        {
            "webhooks": {
                "gateway": {"create": True, "className": "envoy", "namespace": "edge"},
                "tls": {"secretName": "hooks-tls"},
            }
        },
    ),
    "no route": merged(EXISTING, {"webhooks": {"route": "None"}}),
    "digests and a mirror": merged(
        EXISTING,
        {
            "global": {"imageRegistry": "mirror.example:5000/munshi", "imagePullSecrets": ["mirror"]},
            "images": {name: {"digest": _DIGEST} for name in _IMAGES},
        },
    ),
    "some namespaces": merged(EXISTING, {"operator": {"namespaces": ["shops", "stores"]}}),
    "no pool": merged(EXISTING, {"pool": {"enabled": False}}),
    "OpenShift": merged(EXISTING, {"pods": {"runAsUser": None}}),
    "an object store": merged(EXISTING, _OBJECTS),
    "a bucket without its server": merged(EXISTING, {"objectStore": {"url": "s3://munshi"}}),
    "model servers": merged(EXISTING, _OBJECTS, {"inference": _MODELS}),
    "model servers on the CPU, scaled": merged(
        EXISTING,
        _OBJECTS,
        _MONITORED,
        _READ_BY_PROMETHEUS,
        {
            "inference": merged(
                _MODELS,
                {
                    "triton": {"maxReplicas": 4},
                    "vllm": {
                        "gpu": False,
                        "image": {"repository": "munshi/vllm", "tag": ""},
                        "existingSecret": "llm-keys",
                        "promptPrice": 0.1,
                        "seconds": 60,
                        "maxReplicas": 2,
                        "prefixCache": False,
                    },
                    "llm": {"existingSecret": "llm-keys"},
                },
            )
        },
    ),
    "language models elsewhere": merged(EXISTING, {"inference": {"llm": _ELSEWHERE}}),
    "language models everywhere": merged(
        EXISTING,
        _OBJECTS,
        {
            "pods": {"runAsUser": None},
            "inference": {
                **_MODELS,
                "llm": _ELSEWHERE,
                "services": {"existingSecret": "service-keys"},
            },
        },
    ),
    "demo with Triton": {"demo": {"enabled": True}, "inference": {"triton": {"enabled": True}}},
    "model servers on GPUs, scaled": merged(
        EXISTING,
        _OBJECTS,
        _MONITORED,
        _READ_BY_PROMETHEUS,
        {
            "operator": {"namespaces": ["shops", "stores"]},
            "inference": merged(
                _MODELS,
                {
                    "triton": {
                        "gpus": 1,
                        "maxReplicas": 4,
                        "models": ["ledger_nlu", "documents", "speech", "embeddings"],
                        "modelsClaim": "weights",
                        "speechModel": "/models/whisper-small",
                        "nodeSelector": {"gpu": "l4"},
                        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                        "settings": {"MUNSHI_SPEECH_LONGEST_SECONDS": "300"},
                    },
                    "vllm": {
                        "tensorParallel": 2,
                        "quantization": "awq",
                        "maxReplicas": 3,
                        "arguments": ["--enforce-eager"],
                    },
                },
            ),
        },
    ),
    "all of it narrow": merged(
        EXISTING,
        _MONITORED,
        _OBJECTS,
        {
            "networkPolicy": {
                "webhooksFrom": [{"namespaceSelector": {"matchLabels": {"name": "edge"}}}],
                "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
                "database": {"to": [{"ipBlock": {"cidr": "10.1.0.0/24"}}]},
                "objectStore": {"to": [{"ipBlock": {"cidr": "10.1.1.0/24"}}], "port": 9000},
                "nats": {"to": [{"namespaceSelector": {"matchLabels": {"name": "nats"}}}]},
                "apiServer": {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]},
                "extraEgress": [{"ports": [{"port": 4318}]}],
            },
            "pods": {
                "nodeSelector": {"pool": "munshi"},
                "tolerations": [{"key": "munshi", "operator": "Exists"}],
                "priorityClasses": {"create": False, "messages": "high"},
            },
            "global": {"labels": {"team": "platform"}},
            "webhooks": {"platformApp": {"existingSecret": "munshi-app"}},
            "operator": {"settings": {"MUNSHI_OPERATOR_PARALLEL": "32"}},
            "tenants": {"inheritLabels": ["cost-centre"]},
        },
    ),
}
