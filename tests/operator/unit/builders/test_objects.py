"""What a tenant's objects must be, whatever a golden file says."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_settings import BaseSettings

from munshi.cells import load_cell
from munshi.contracts.ids import CellName
from munshi.inference import InferenceSettings
from munshi.llm.settings import LlmSettings
from munshi_ingress.settings import IngressSettings
from munshi_media.settings import MediaSettings
from munshi_operator.builders import Blueprint, build_children, parse_blueprint
from munshi_operator.builders.names import MOST, child_name
from munshi_operator.drift import CONFIG
from munshi_operator.kinds import CHILDREN, kind_of, ref_of
from munshi_operator.types import CellAccess, Manifest
from munshi_orchestrator.settings import OrchestratorSettings
from rig.golden import (
    FULL,
    FULL_MEDIA,
    MEDIA,
    POOLED_ROUTES,
    SMALL,
    access,
    cases,
    children,
    tenant,
    with_bucket,
    with_folder,
)

BOTH = ("ingress", "orchestrator")
ALL = (*BOTH, "media")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SERVICE_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"


def one(manifests: list[Manifest], kind: str, component: str = "") -> Manifest:
    found = [
        each
        for each in manifests
        if each["kind"] == kind
        and component in {"", each["metadata"]["labels"]["app.kubernetes.io/component"]}
    ]
    assert len(found) == 1, (kind, component, [each["metadata"]["name"] for each in found])
    return found[0]


def pod(manifests: list[Manifest], component: str) -> dict[str, Any]:
    spec: dict[str, Any] = one(manifests, "Deployment", component)["spec"]["template"]["spec"]
    return spec


def config(manifests: list[Manifest], component: str) -> str:
    template = one(manifests, "Deployment", component)["spec"]["template"]
    return str(template["metadata"]["annotations"][CONFIG])


def changed(**parts: Any) -> Blueprint:
    """The small blueprint with parts replaced."""
    return parse_blueprint(SMALL).model_copy(update=parts)


# --- names and owners ---


@given(NAMES, st.sampled_from(["ingress", "orchestrator", "webhook", "munshi-orchestrator"]))
def test_every_name_fits_a_service_a_label_and_a_pods_host_name(name: str, suffix: str) -> None:
    import re

    made = child_name(name, suffix)
    assert re.fullmatch(SERVICE_NAME, made)
    assert len(made) <= MOST
    assert len(f"{made}-0123456789-01234") <= 63, "a pod's host name would be cut"
    assert suffix in made


@given(st.sets(NAMES, min_size=2, max_size=2))
def test_two_tenants_never_share_a_name(names: set[str]) -> None:
    first, second = (child_name(name, "ingress") for name in names)
    assert first != second


def test_a_name_that_fits_is_left_as_it_is() -> None:
    assert child_name("sharma-kirana", "ingress") == "sharma-kirana-ingress"


@pytest.mark.parametrize("case", sorted(cases()))
def test_every_object_is_known_and_says_whose_it_is(case: str) -> None:
    manifests = cases()[case]
    for manifest in manifests:
        assert kind_of(manifest) in CHILDREN
        assert manifest["metadata"]["namespace"] == "shops"
        (owner,) = manifest["metadata"]["ownerReferences"]
        assert owner["uid"] == tenant().uid
        assert owner["controller"] is True
        assert manifest["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "munshi-operator"
        json.dumps(manifest)
    assert len({ref_of(manifest) for manifest in manifests}) == len(manifests), "a name given twice"


# --- pods ---


@pytest.mark.parametrize("case", [name for name in sorted(cases()) if name.startswith("dedicated")])
@pytest.mark.parametrize("component", ALL)
def test_pods_fulfil_the_profile_restricted_and_have_no_way_to_the_api(case: str, component: str) -> None:
    if component == "media" and "media" not in case:
        pytest.skip("none is made")
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


# --- what restarts pods ---


def ingress_with(**parts: Any) -> Blueprint:
    return changed(ingress=parse_blueprint(SMALL).ingress.model_copy(update=parts))


@pytest.mark.parametrize(
    "blueprint",
    [
        ingress_with(image="munshi/ingress:2"),
        ingress_with(env={"MUNSHI_LOG_LEVEL": "debug"}),
        ingress_with(grace_seconds=60),
        changed(pods=parse_blueprint(SMALL).pods.model_copy(update={"node_selector": {"a": "b"}})),
    ],
)
def test_what_pods_must_restart_for_changes_their_config(blueprint: Blueprint) -> None:
    assert config(children(tenant(), blueprint), "ingress") != config(children(tenant()), "ingress")


def with_other_credentials() -> list[Manifest]:
    other = replace(
        access(tenant().cell),
        ingress_creds="others",
        orchestrator_creds="others",
        database_url="x",
        sealing_key="00" * 32,
    )
    return build_children(tenant(), other, parse_blueprint(SMALL), orchestrator_replicas=None)


@pytest.mark.parametrize(
    "change",
    [
        lambda: children(tenant(), ingress_with(replicas=5)),
        lambda: children(tenant(), ingress_with(max_replicas=5)),
        lambda: children(tenant(), changed(labels={"cluster": "mumbai-1"})),
        lambda: children(tenant(), changed(route=parse_blueprint(FULL).route)),
        lambda: children(tenant(), changed(network_policy=parse_blueprint(FULL).network_policy)),
        lambda: children(tenant(labels={"team": "grocers"})),
        lambda: children(tenant(replicas=4, displayName="Another", retention={"media": "30d"})),
        lambda: children(tenant(), replicas=0),
        with_other_credentials,
    ],
)
def test_nothing_else_touches_the_pod_template(change: Callable[[], list[Manifest]]) -> None:
    made, before = change(), children(tenant())
    for component in BOTH:
        template = one(made, "Deployment", component)["spec"]["template"]
        assert template == one(before, "Deployment", component)["spec"]["template"]


def test_a_changed_image_of_one_service_leaves_the_other_alone() -> None:
    made, before = children(tenant(), ingress_with(image="munshi/ingress:2")), children(tenant())
    assert one(made, "Deployment", "orchestrator") == one(before, "Deployment", "orchestrator")


def test_a_setting_at_its_default_counts_as_not_said() -> None:
    """So a later operator that knows one more setting restarts nobody."""
    said = SMALL.replace("preStopSeconds: 5", "preStopSeconds: 5\n  graceSeconds: 30\n  env: {}")
    assert children(tenant(), said) == children(tenant())


def test_labels_that_are_inherited_reach_objects_and_pods() -> None:
    manifests = children(
        tenant(labels={"team": "grocers", "other": "x"}), changed(inherit_labels=("team", "absent"))
    )
    for manifest in manifests:
        labels = manifest["metadata"]["labels"]
        assert labels["team"] == "grocers"
        assert "other" not in labels
        assert "absent" not in labels
    template = one(manifests, "Deployment", "ingress")["spec"]["template"]
    assert template["metadata"]["labels"]["team"] == "grocers"
    assert "team" not in one(manifests, "Deployment", "ingress")["spec"]["selector"]["matchLabels"]


def test_an_inherited_label_cannot_take_a_pod_from_its_deployment() -> None:
    stolen = {"app.kubernetes.io/instance": "another", "munshi.dev/tenant": "another"}
    manifests = children(tenant(labels=stolen), changed(inherit_labels=tuple(stolen)))
    for component in BOTH:
        spec = one(manifests, "Deployment", component)["spec"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        assert spec["template"]["metadata"]["labels"]["munshi.dev/tenant"] == "sharma-kirana"


# --- how many ---


def replicas_of(manifests: list[Manifest], component: str) -> int | None:
    count: int | None = one(manifests, "Deployment", component)["spec"].get("replicas")
    return count


def scalers(manifests: list[Manifest]) -> set[tuple[str, str]]:
    kinds = {"HorizontalPodAutoscaler", "ScaledObject"}
    return {
        (each["kind"], each["metadata"]["labels"]["app.kubernetes.io/component"])
        for each in manifests
        if each["kind"] in kinds
    }


def test_without_an_autoscaler_the_number_stands_in_the_deployment() -> None:
    manifests = children(tenant())
    assert (replicas_of(manifests, "ingress"), replicas_of(manifests, "orchestrator")) == (2, 1)
    assert scalers(manifests) == set()


def test_what_an_autoscaler_decides_is_left_to_it() -> None:
    manifests = children(tenant(), FULL)
    assert (replicas_of(manifests, "ingress"), replicas_of(manifests, "orchestrator")) == (None, None)
    assert scalers(manifests) == {("HorizontalPodAutoscaler", "ingress"), ("ScaledObject", "orchestrator")}
    for kind, component in scalers(manifests):
        target = one(manifests, kind, component)["spec"]["scaleTargetRef"]
        assert target["name"] == one(manifests, "Deployment", component)["metadata"]["name"]


def test_a_number_in_the_spec_takes_the_autoscalers_place() -> None:
    manifests = children(tenant(replicas=3), FULL)
    assert replicas_of(manifests, "orchestrator") == 3
    assert scalers(manifests) == {("HorizontalPodAutoscaler", "ingress")}


def test_a_sleeping_tenant_keeps_its_ingress_alone() -> None:
    manifests = children(tenant(hibernated=True, replicas=3), FULL, replicas=0)
    assert replicas_of(manifests, "orchestrator") == 0
    assert ("ScaledObject", "orchestrator") not in scalers(manifests)
    assert replicas_of(manifests, "ingress") is None


def test_the_query_names_the_tenants_own_pods() -> None:
    trigger = one(children(tenant(), FULL), "ScaledObject")["spec"]["triggers"][0]["metadata"]
    assert trigger["query"] == (
        'max(munshi_queue_age_seconds{namespace="shops",pod=~"sharma-kirana-orchestrator-.+"})'
    )
    assert trigger["threshold"] == "10"


# --- media ---


def test_no_media_service_is_made_without_an_object_store_or_an_image() -> None:
    for manifests in (children(tenant(), SMALL + MEDIA), children(tenant(), opened=with_bucket)):
        assert "media" not in json.dumps(manifests)


def test_a_media_service_changes_nothing_of_the_others() -> None:
    made = {ref_of(each): each for each in children(tenant(), SMALL + MEDIA, opened=with_bucket)}
    for each in children(tenant()):
        if each["kind"] != "NetworkPolicy":  # they may ask the model servers now
            assert made[ref_of(each)] == each


def test_the_media_service_sleeps_with_its_orchestrator() -> None:
    asleep = cases()["dedicated-media-asleep"]
    assert replicas_of(asleep, "media") == 0
    assert scalers(asleep) == {("HorizontalPodAutoscaler", "ingress")}
    awake = cases()["dedicated-media-scaled"]
    assert replicas_of(awake, "media") is None
    assert ("HorizontalPodAutoscaler", "media") in scalers(awake)
    in_the_spec = children(tenant(replicas=3), FULL + FULL_MEDIA, opened=with_bucket)
    assert replicas_of(in_the_spec, "media") is None, "the spec's number is of orchestrators"


def test_a_new_place_for_the_bytes_restarts_only_who_keeps_them_elsewhere() -> None:
    before = children(tenant(), SMALL + MEDIA, opened=with_bucket)
    assert config(children(tenant(), SMALL + MEDIA, opened=with_folder), "media") != config(before, "media")

    def with_other_key(cell: CellName) -> CellAccess:
        given = with_bucket(cell)
        return replace(given, object_store=str(given.object_store).replace("invented", "another"))

    made = children(tenant(), SMALL + MEDIA, opened=with_other_key)
    assert one(made, "Deployment", "media") == one(before, "Deployment", "media")
    assert one(made, "Secret", "media") != one(before, "Secret", "media")


def test_on_trial_the_folder_of_the_cell_is_a_volume_that_can_be_written() -> None:
    manifests = cases()["dedicated-media-on-trial"]
    (container,) = pod(manifests, "media")["containers"]
    data = one(manifests, "Secret", "media")["data"]
    address = json.loads(base64.b64decode(data["object-store.json"]))
    (mount,) = (each for each in container["volumeMounts"] if each["name"] == "objects")
    assert address["url"] == f"file://{mount['mountPath']}"
    assert not mount.get("readOnly")


def test_the_media_service_reaches_what_it_needs_and_no_database() -> None:
    manifests = cases()["dedicated-media"]
    policies = {part: one(manifests, "NetworkPolicy", part)["spec"] for part in ALL}
    assert ports_of(policies["media"]["egress"]) == {53, 4222, 443, 9000, 8001}
    assert ports_of(policies["orchestrator"]["egress"]) == {53, 4222, 5432, 443, 8001, 8000}
    assert ports_of(policies["ingress"]["egress"]) == {53, 4222}
    assert all(rule["from"] for rule in policies["media"]["ingress"])
    on_trial = one(cases()["dedicated-media-on-trial"], "NetworkPolicy", "media")["spec"]
    assert 9000 not in ports_of(on_trial["egress"])


# --- routes ---


def test_the_route_takes_the_tenants_path_alone_to_its_own_service() -> None:
    manifests = children(tenant())
    rule = one(manifests, "HTTPRoute")["spec"]["rules"][0]
    assert rule["matches"] == [{"path": {"type": "Exact", "value": "/webhooks/whatsapp/shops_sharma-kirana"}}]
    service = one(manifests, "Service")
    (backend,) = rule["backendRefs"]
    assert backend["name"] == service["metadata"]["name"]
    assert backend["port"] == service["spec"]["ports"][0]["port"]
    pods = one(manifests, "Deployment", "ingress")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= pods.items()


def test_a_pooled_tenant_has_no_objects_but_a_route_where_it_is_asked_for() -> None:
    assert children(tenant(isolation="Pooled")) == []
    (route,) = children(tenant(isolation="Pooled"), POOLED_ROUTES)
    (backend,) = route["spec"]["rules"][0]["backendRefs"]
    assert (backend["name"], backend["namespace"]) == ("munshi-pool-ingress", "munshi")


def test_no_route_is_made_where_none_is_wanted() -> None:
    made = {each["kind"] for each in children(tenant(), FULL.replace("kind: Ingress", "kind: None"))}
    assert not made & {"Ingress", "HTTPRoute"}


# --- who may talk to whom ---


def ports_of(rules: list[dict[str, Any]]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_both_directions_are_denied_but_for_what_is_needed() -> None:
    manifests = children(tenant())
    policies = {component: one(manifests, "NetworkPolicy", component)["spec"] for component in BOTH}
    for component, policy in policies.items():
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        pods = one(manifests, "Deployment", component)["spec"]["template"]["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= pods.items()
    assert ports_of(policies["ingress"]["egress"]) == {53, 4222}
    assert ports_of(policies["orchestrator"]["egress"]) == {53, 4222, 5432, 443}
    assert "from" not in policies["ingress"]["ingress"][0], "webhooks come from anywhere unless it is said"
    assert all(rule["from"] for rule in policies["orchestrator"]["ingress"])


def test_the_graph_api_is_anywhere_but_in_private_networks() -> None:
    policy = one(children(tenant()), "NetworkPolicy", "orchestrator")["spec"]
    (rule,) = (rule for rule in policy["egress"] if rule["ports"][0]["port"] == 443)
    blocks = {peer["ipBlock"]["cidr"]: peer["ipBlock"]["except"] for peer in rule["to"]}
    assert set(blocks) == {"0.0.0.0/0", "::/0"}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(blocks["0.0.0.0/0"])


def test_a_network_of_ipv4_alone_gets_no_rule_of_ipv6() -> None:
    only = changed(
        network_policy=parse_blueprint(SMALL).network_policy.model_copy(update={"graph_except_v6": ()})
    )
    assert "::/0" not in json.dumps(children(tenant(), only))


def test_policies_can_be_left_out() -> None:
    off = changed(network_policy=parse_blueprint(SMALL).network_policy.model_copy(update={"enabled": False}))
    assert not [each for each in children(tenant(), off) if each["kind"] == "NetworkPolicy"]
