"""`python -m munshi_operator` on a real API server, with real NATS and PostgreSQL."""

import asyncio
import json
import signal
from typing import Any

from munshi_operator.kinds import DEPLOYMENT, SECRET, SERVICE, TENANT, Kind
from rig.operating import tenant
from rig.program import BLUEPRINT, Program


async def test_a_tenants_whole_life(program: Program) -> None:
    process = program.start()
    for name, isolation in (("sharma", "Dedicated"), ("gupta", "Pooled")):
        await program.apply_shop(name, isolation=isolation, deletionPolicy="Delete")
        await program.until_ready(name)
    deployments = (await program.get(DEPLOYMENT) or {})["items"]
    assert sorted(one["metadata"]["name"] for one in deployments) == ["sharma-ingress", "sharma-orchestrator"]
    assert await program.get(SECRET, "munshi-pool-ingress") is not None

    deleted = await program.client.delete(SERVICE.path(program.namespace, "sharma-ingress"))
    assert deleted.status_code == 200

    async def back() -> bool:
        return await program.get(SERVICE, "sharma-ingress") is not None

    await program.until(back, "a deleted Service is made again")
    await program.apply(tenant("sharma", isolation="Pooled", deletionPolicy="Delete"))

    async def moved() -> bool:
        found = await program.get(TENANT, "sharma") or {}
        left = (await program.get(DEPLOYMENT) or {}).get("items")
        return found["status"].get("cell") == "pool" and not left

    await program.until(moved, "the tenant has moved into the pool", seconds=90)
    await program.until_ready("sharma")
    for name in ("sharma", "gupta"):
        await program.client.delete(TENANT.path(program.namespace, name))

    async def gone() -> bool:
        return not (await program.get(TENANT) or {"items": [1]})["items"]

    await program.until(gone, "the tenants are gone")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 30) == 0, program.logs()


async def test_a_killed_leader_is_followed_and_a_restart_at_rest_writes_nothing(program: Program) -> None:
    first = program.start("a")
    for name in ("sharma", "gupta"):
        await program.apply_shop(name, isolation="Pooled" if name == "gupta" else "Dedicated")
        await program.until_ready(name)

    async def settled() -> bool:
        found = [await program.condition(name, "Progressing") for name in ("sharma", "gupta")]
        return all(one.get("status") == "False" for one in found)

    async def versions() -> dict[str, Any]:
        found = {}
        for kind in (TENANT, DEPLOYMENT, SECRET, SERVICE):
            for one in (await program.get(kind) or {})["items"]:
                found[f"{kind.name}/{one['metadata']['name']}"] = version(kind, one["metadata"])
        return found

    await program.until(settled, "what follows from a tenant's first Ready is written too")
    before = await versions()
    program.start("b")
    first.kill()

    async def leads() -> bool:
        return (
            '"event":"leading","service":"operator"' in program.logs() or program.logs().count("leading") >= 2
        )

    await program.until(leads, "the second replica leads", seconds=120)
    await program.apply(tenant("gupta", isolation="Pooled", displayName="New"))

    async def seen() -> bool:
        return (await program.condition("gupta")).get("observedGeneration") == 2

    await program.until(seen, "the second replica works")
    after = await versions()
    assert {name for name in after if after[name] != before[name]} == {f"{TENANT.name}/gupta"}


def version(kind: Kind, meta: dict[str, Any]) -> Any:
    """What differs after a write; of a Deployment without its status, which its controller writes."""
    if kind is not DEPLOYMENT:
        return meta["resourceVersion"]
    written = [one for one in meta["managedFields"] if one.get("subresource") != "status"]
    return meta["generation"], written


async def test_every_child_that_goes_or_is_edited_is_set_right_and_others_keep_theirs(
    program: Program,
) -> None:
    program.start()
    await program.apply_shop("sharma")
    await program.until_ready("sharma")
    children = await program.children()
    assert len(children) >= 12
    for kind, one in children:
        name, uid = one["metadata"]["name"], one["metadata"]["uid"]
        path = kind.path(program.namespace, name)

        async def anew(kind: Kind = kind, name: str = name, uid: str = uid) -> bool:
            found = await program.get(kind, name)
            return found is not None and found["metadata"]["uid"] != uid

        assert (await program.client.delete(path)).status_code == 200
        await program.until(anew, f"{kind.name} {name} is made again")
        edit = {"metadata": {"ownerReferences": None, "annotations": {"team": "payments"}}}
        await merge(program, path, edit)

        async def owned(kind: Kind = kind, name: str = name) -> bool:
            found = await program.get(kind, name) or {"metadata": {}}
            theirs = (found["metadata"].get("annotations") or {}).get("team")
            return bool(found["metadata"].get("ownerReferences")) and theirs == "payments"

        await program.until(owned, f"{kind.name} {name} is set right")
    await program.until_ready("sharma")


async def test_an_edit_is_set_back_and_an_autoscaler_is_left_alone(program: Program) -> None:
    scaled_by_itself = {**BLUEPRINT["ingress"], "maxReplicas": 6}
    (program.folder / "blueprint.yaml").write_text(json.dumps({**BLUEPRINT, "ingress": scaled_by_itself}))
    program.start()
    await program.apply_shop("sharma")
    await program.until_ready("sharma")
    path = DEPLOYMENT.path(program.namespace, "sharma-ingress")
    before = (await program.get(DEPLOYMENT, "sharma-ingress") or {})["spec"]
    container = {"name": before["template"]["spec"]["containers"][0]["name"], "image": "evil:1"}
    edit = {"spec": {"template": {"spec": {"containers": [container]}}}}
    await merge(program, path, edit, "strategic-merge-patch")

    async def as_before() -> bool:
        found = (await program.get(DEPLOYMENT, "sharma-ingress") or {})["spec"]
        return bool(found["template"]["spec"] == before["template"]["spec"])

    await program.until(as_before, "the image is set back")
    scale = {"spec": {"replicas": 4}}
    await merge(program, f"{path}/scale", scale)
    await program.apply(tenant("sharma", displayName="New", replicas=2))

    async def scaled() -> bool:
        return await program.replicas("sharma-orchestrator") == 2

    await program.until(scaled, "the tenant's own change is made")
    await program.until_ready("sharma")
    assert await program.replicas("sharma-ingress") == 4


async def merge(program: Program, path: str, change: dict[str, Any], how: str = "merge-patch") -> None:
    """Somebody edits an object."""
    answer = await program.client.patch(
        path,
        params={"fieldManager": "kubectl-edit"},
        content=json.dumps(change),
        headers={"Content-Type": f"application/{how}+json"},
    )
    assert answer.status_code == 200, answer.text
