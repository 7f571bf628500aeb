"""A photographed receipt on the cluster: through the media pods of the pool, and through a tenant's own."""

import pytest

from rig.installed import NAMESPACE, SECONDS, Installed, Shops
from rig.receipts import GUPTA, receipt

LINES = [line.format(date="02/11/2026") for line in GUPTA]


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_receipt_is_read_by_the_cells_own_media_service(
    installed: Installed, shops: Shops, pooled: bool
) -> None:
    name = next(one for one in shops.numbers if (one not in shops.dedicated) == pooled)
    number, person = shops.numbers[name], f"91777000000{int(pooled)}"
    selector = "app.kubernetes.io/name=munshi-media,app.kubernetes.io/instance="
    cell = ("munshi-pool", NAMESPACE) if pooled else (name, shops.namespace)
    (pod,) = installed.pods(f"{selector}{cell[0]}", cell[1])
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
