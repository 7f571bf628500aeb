"""A pod template of an older spelling stays as it runs: what is applied of it is what was applied before."""

import copy
from typing import Any

import pytest

from munshi_operator.drift import mark_of, owned_fields, stamped, with_running_template
from munshi_operator.types import Manifest
from rig.golden import FULL, SMALL, children, tenant
from rig.kube import MemoryApi


def deployments(blueprint: str) -> list[Manifest]:
    return [one for one in children(tenant(), blueprint) if one["kind"] == "Deployment"]


def respelt(manifest: Manifest) -> Manifest:
    """As a later operator would spell it: another probe, a variable more, and the same for pods to run on."""
    other = copy.deepcopy(manifest)
    container = other["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "MUNSHI_NEW", "value": "1"})
    container["readinessProbe"]["periodSeconds"] = 7
    del container["livenessProbe"]
    return stamped(other)


async def seen(manifest: Manifest, foreign: Any = None) -> Manifest:
    """What a server holds after an apply: more than was sent, and perhaps somebody else's too."""
    api = MemoryApi()
    raw = api.apply(copy.deepcopy(manifest), "")
    if foreign is not None:
        foreign(raw)
        raw = api.put(raw, "kubectl-edit")
    return raw


@pytest.mark.parametrize("blueprint", [SMALL, FULL])
async def test_what_is_sent_of_it_is_what_was_sent(blueprint: str) -> None:
    for made in deployments(blueprint):
        first = stamped(made)
        found = await seen(first)
        sent = with_running_template(respelt(made), found, owned_fields(found))
        assert sent == first
        assert mark_of(sent) == mark_of(first)


async def test_what_others_put_into_it_stays_theirs() -> None:
    def mesh(raw: Manifest) -> None:
        raw["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "mesh:1"})
        raw["spec"]["template"]["metadata"]["annotations"]["mesh"] = "on"

    made = deployments(FULL)[0]
    first = stamped(made)
    found = await seen(first, mesh)
    assert len(found["spec"]["template"]["spec"]["containers"]) == 2
    assert with_running_template(respelt(made), found, owned_fields(found)) == first


async def test_one_whose_image_is_no_longer_ours_is_spelled_anew() -> None:
    def worse(raw: Manifest) -> None:
        raw["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"

    made = deployments(FULL)[0]
    found = await seen(stamped(made), worse)
    wanted = respelt(made)
    assert with_running_template(wanted, found, owned_fields(found)) == wanted
