"""A tenant's pods: what they may do, read and are asked."""

import base64
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from munshi.cells import load_cell
from munshi.contracts.ids import CellName
from munshi.inference import InferenceSettings
from munshi.llm.settings import LlmSettings
from munshi_ingress.settings import IngressSettings
from munshi_media.settings import MediaSettings
from munshi_orchestrator.settings import OrchestratorSettings
from rig.golden import FULL, SMALL, cases, children, tenant, with_bucket

from .manifests import ALL, BOTH, one, pod

PODS = [
    (case, component)
    for case in sorted(cases())
    if case.startswith("dedicated")
    for component in (ALL if "media" in case else BOTH)
]


@pytest.mark.parametrize(("case", "component"), PODS)
def test_pods_fulfil_the_profile_restricted_and_have_no_way_to_the_api(case: str, component: str) -> None:
    spec = pod(cases()[case], component)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    account = one(cases()[case], "ServiceAccount", component)
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["name"] == spec["serviceAccountName"]
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {volume["name"] for volume in spec["volumes"]} - {"objects"} == {"cell", "tmp"}


@pytest.mark.parametrize(
    ("component", "settings"),
    [
        ("ingress", (IngressSettings,)),
        ("orchestrator", (OrchestratorSettings, InferenceSettings, LlmSettings)),
        ("media", (MediaSettings, InferenceSettings)),
    ],
)
def test_every_setting_is_one_that_the_service_reads(
    component: str, settings: tuple[type[BaseSettings], ...]
) -> None:
    (container,) = pod(cases()["dedicated-media"], component)["containers"]
    given_names = {entry["name"] for entry in container["env"]}
    known = {f"MUNSHI_{name}".upper() for one in settings for name in one.model_fields}
    assert given_names <= known
    assert {"MUNSHI_HOST", "MUNSHI_PORT", "MUNSHI_CELLS_DIR"} <= given_names


@pytest.mark.parametrize("component", ALL)
def test_the_probes_ask_where_the_pod_listens(component: str) -> None:
    (container,) = pod(cases()["dedicated-media"], component)["containers"]
    (port,) = container["ports"]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert env["MUNSHI_PORT"] == str(port["containerPort"])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]


@pytest.mark.parametrize("component", ALL)
def test_the_services_can_read_the_mounted_cell(component: str, tmp_path: Path) -> None:
    manifests = cases()["dedicated-media"]
    spec = pod(manifests, component)
    (container,) = spec["containers"]
    mount = next(entry for entry in container["volumeMounts"] if entry["name"] == "cell")
    volume = next(entry for entry in spec["volumes"] if entry["name"] == "cell")
    secret = one(manifests, "Secret", component)
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    folder = tmp_path / Path(mount["mountPath"]).name
    folder.mkdir()
    for name, encoded in secret["data"].items():
        (folder / name).write_bytes(base64.b64decode(encoded))
    cell = load_cell(folder)
    wanted = with_bucket(CellName("shops_sharma-kirana"))
    creds = getattr(wanted, f"{component}_creds")
    assert (cell.name, cell.partitions, cell.nats_url, cell.nats_creds) == (
        wanted.cell, wanted.partitions, wanted.nats_url, creds,
    )  # fmt: skip
    assert cell.sealing_key.hex() == wanted.sealing_key
    assert cell.database_url == (wanted.database_url if component == "orchestrator" else None)
    assert (cell.object_store is not None) == (component == "media")
    if cell.object_store is not None:
        assert cell.object_store.prefix == "cells/shops_sharma-kirana/"
        assert cell.object_store.secret_key.get_secret_value() == "invented"
        assert not cell.object_store.allow_http


@pytest.mark.parametrize("blueprint", [SMALL, FULL])
def test_whoever_the_process_runs_as_can_read_the_cell(blueprint: str) -> None:
    spec = pod(children(tenant(), blueprint), "ingress")
    mode = next(volume["secret"]["defaultMode"] for volume in spec["volumes"] if volume["name"] == "cell")
    group = spec["securityContext"].get("fsGroup")
    assert mode & (0o040 if group else 0o004)
    assert not mode & 0o222


def test_a_pod_ends_only_after_nobody_sends_to_it_any_more() -> None:
    spec = pod(children(tenant()), "ingress")
    (container,) = spec["containers"]
    sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert (
        spec["terminationGracePeriodSeconds"] > sleep + IngressSettings.model_fields["drain_seconds"].default
    )
    assert "lifecycle" not in pod(children(tenant()), "orchestrator")["containers"][0]


def test_a_new_pod_is_ready_before_an_old_one_goes() -> None:
    for component in BOTH:
        strategy = one(children(tenant()), "Deployment", component)["spec"]["strategy"]
        assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
