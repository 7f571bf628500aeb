"""The table of values that the chart is judged by."""

from typing import Any

from chart.rendering import EXISTING, merged

_DIGEST = "sha256:" + "ab" * 32
_IMAGES = ("operator", "migrations", "ingress", "orchestrator", "emulator", "demoNats", "demoPostgres")

_MONITORED = {
    "monitoring": {
        "podMonitors": {"enabled": True, "labels": {"release": "prometheus"}},
        "rules": {"enabled": True, "labels": {"release": "prometheus"}},
        "dashboards": {"enabled": True},
    }
}
_SCALED = {
    "pool": {"ingress": {"maxReplicas": 6}, "orchestrator": {"maxReplicas": 8}},
    "tenants": {"ingress": {"maxReplicas": 4}, "orchestrator": {"maxReplicas": 4}},
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
    "all of it narrow": merged(
        EXISTING,
        _MONITORED,
        {
            "networkPolicy": {
                "webhooksFrom": [{"namespaceSelector": {"matchLabels": {"name": "edge"}}}],
                "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
                "database": {"to": [{"ipBlock": {"cidr": "10.1.0.0/24"}}]},
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
            "objectStore": {"url": "s3://munshi", "endpoint": "https://s3.example", "existingSecret": "s3"},
            "operator": {"settings": {"MUNSHI_OPERATOR_PARALLEL": "32"}},
            "tenants": {"inheritLabels": ["cost-centre"]},
        },
    ),
}
