"""Where a tenant has a media service, and what that changes."""

import base64
import json
from dataclasses import replace

from munshi.contracts.ids import CellName
from munshi_operator.kinds import ref_of
from munshi_operator.types import CellAccess
from rig.golden import FULL, FULL_MEDIA, MEDIA, SMALL, cases, children, tenant, with_bucket, with_folder

from .manifests import ALL, config, one, pod, ports_of, replicas_of, scalers


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
