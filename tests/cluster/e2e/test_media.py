"""A photographed receipt on the cluster: through the media pods of the pool, and through a tenant's own."""

import json

import pytest

from rig.installed import NAMESPACE, SECONDS, Installed, Json, Shops
from rig.receipts import GUPTA, receipt

LINES = [line.format(date="02/11/2026") for line in GUPTA]
PROGRAM = ("exec", "deployment/munshi-operator", "--", "/usr/bin/python3", "-m", "munshi_operator")


def _kept(installed: Installed, pod: Json, tenant: str) -> list[str]:
    """The files of a tenant in the folder of its media pod, below the tenant's prefix."""
    (container,) = pod["spec"]["containers"]
    (folder,) = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == "objects"]
    script = (
        "import json, pathlib, sys\n"
        "found = [str(one) for one in pathlib.Path(sys.argv[1]).rglob('*') if one.is_file()]\n"
        "print(json.dumps([one for one in found if sys.argv[2] in one.split('/')]))\n"
    )
    metadata = pod["metadata"]
    told = installed.python(metadata["name"], metadata["namespace"], script, folder, f"shops_{tenant}")
    return sorted(json.loads(told))


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_receipt_is_read_by_the_cells_own_media_service_and_deleted_on_request(
    installed: Installed, shops: Shops, pooled: bool
) -> None:
    name = next(one for one in shops.numbers if (one not in shops.dedicated) == pooled)
    number, person = shops.numbers[name], f"91777000000{int(pooled)}"
    selector = "app.kubernetes.io/name=munshi-media,app.kubernetes.io/instance="
    cell = ("munshi-pool", NAMESPACE) if pooled else (name, shops.namespace)
    (pod,) = installed.pods(f"{selector}{cell[0]}", cell[1])
    others = _kept(installed, pod, name)
    async with installed.emulator() as meta:
        await meta.send_file(number, person, receipt(LINES), "image/jpeg")
        asked = {"person": person, "phone_number_id": number, "direction": "out"}
        said = await meta.wait_for(1, timeout_seconds=SECONDS, **asked)
        if "640" not in str(said):  # that it takes a moment is said first
            said = await meta.wait_for(2, timeout_seconds=SECONDS, **asked)
    assert "640" in str(said), said
    (now,) = installed.pods(f"{selector}{cell[0]}", cell[1])
    assert now["status"]["containerStatuses"][0]["restartCount"] == 0, now["status"]
    assert installed.metrics(pod).total("munshi_media_requests_total", verb="read", outcome="done") >= 1

    kept = _kept(installed, now, name)
    assert set(kept) > set(others), "what was photographed is kept"
    delete = ("delete-files", "--tenant", f"shops/{name}", "--person", f"+{person}")
    assert "nothing was deleted" in installed.kubectl(*PROGRAM, *delete)
    assert _kept(installed, now, name) == kept
    assert "deleted the files of 1 message" in installed.kubectl(*PROGRAM, *delete, "--yes")
    assert _kept(installed, now, name) == others
