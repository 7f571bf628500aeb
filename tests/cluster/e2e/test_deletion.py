"""`kubectl delete`: what the deletion policy says goes, and nothing else."""

import json
from contextlib import suppress
from typing import Any

import nats.errors

from munshi.contracts.ids import CellName
from munshi.provision.cell_rights import cell_creds
from munshi.provision.derived_keys import MasterKey
from munshi.provision.nats_accounts import connected
from rig.installed import NAMESPACE, SECONDS, Installed, Shops, tenant, wait_for_cluster
from rig.talk import Talk
from rig.waiting import eventually

NUMBERS = {"stays": "106540352241101", "goes": "106540352241102", "leaves-pool": "106540352241103"}
KINDS = (
    "deployments,services,serviceaccounts,secrets,networkpolicies,poddisruptionbudgets,httproutes,ingresses"
)
TABLES = ("tenants", "inbound_messages", "transactions", "outbox", "conversations")


def _objects(installed: Installed, namespace: str, labels: str = "") -> dict[str, str]:
    """Uid of everything that could be a tenant's or the pool's, by kind and name."""
    kinds = KINDS.replace(",httproutes", "")  # no Gateway here
    found: list[Any] = installed.objects(kinds, namespace, labels)
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in found}


def _rows(installed: Installed) -> dict[str, dict[str, str]]:
    """Number of rows by tenant in each table that has some."""
    found: dict[str, dict[str, str]] = {}
    for table in TABLES:
        for key, count in installed.sql(f"select tenant, count(*) from {table} group by tenant"):
            found.setdefault(key, {})[table] = count
    return found


async def _opens(installed: Installed, cell: str) -> bool:
    """Whether the bus knows the cell's account; asked until it says."""
    master = MasterKey.from_hex(installed.secret("munshi-keys")["master-key"])
    creds = cell_creds(master, CellName(cell)).admin
    said: list[bool] = []

    async def asked() -> bool:
        with installed.node.port("svc/munshi-demo-nats", 4222, NAMESPACE) as port:
            try:
                with suppress(OSError):  # and TimeoutError: nothing was said
                    async with connected(f"nats://127.0.0.1:{port}", creds, "looks") as connection:
                        await connection.jetstream().stream_info(f"munshi-{cell}-events")
                    said.append(True)
            except nats.errors.Error as error:
                if "authorization" in str(error).lower():
                    said.append(False)
        return bool(said)

    await eventually(asked, f"the bus lets {cell} in or refuses it", SECONDS)
    return said[0]


async def test_a_deletion_takes_what_its_policy_says_and_nothing_else(
    installed: Installed, shops: Shops
) -> None:
    with installed.namespace("leavers") as namespace:
        node = installed.node
        apply = ("apply", "--filename", "-")
        stays = tenant("stays", namespace, NUMBERS["stays"], deletion="Retain")
        node.kubectl(*apply, stdin=stays)
        node.kubectl(*apply, stdin=tenant("goes", namespace, NUMBERS["goes"]))
        pooled = tenant("leaves-pool", namespace, NUMBERS["leaves-pool"], isolation="Pooled")
        node.kubectl(*apply, stdin=pooled)
        installed.until_ready(namespace)
        cells = {
            one["metadata"]["name"]: one["status"]["cell"] for one in installed.objects("wat", namespace)
        }
        async with installed.emulator() as meta:
            talk = Talk(meta, list(NUMBERS.values()))
            await talk.wave()
            await talk.answered()
        others = _objects(installed, shops.namespace), _objects(installed, NAMESPACE)
        rows = _rows(installed)
        assert await _opens(installed, cells["goes"])

        node.kubectl("-n", namespace, "delete", "wat", "--all", "--timeout=120s")

        def no_children() -> bool:
            return not _objects(installed, namespace, "munshi.dev/tenant")

        wait_for_cluster(no_children, "children of deleted tenants are gone")
        assert {f"Secret/{name}-whatsapp" for name in NUMBERS} <= _objects(installed, namespace).keys()
        assert (_objects(installed, shops.namespace), _objects(installed, NAMESPACE)) == others
        left = _rows(installed)
        assert left.pop(f"{namespace}_stays", {}).get("transactions") == "3"
        gone = {f"{namespace}_{name}" for name in NUMBERS}
        assert left == {key: counts for key, counts in rows.items() if key not in gone}
        assert not await _opens(installed, cells["goes"])

        node.kubectl(*apply, stdin=stays)
        installed.until_ready(namespace, "stays")
        async with installed.emulator() as meta:
            person = next(iter(talk.asked))[1]
            wamid = await meta.say(NUMBERS["stays"], person, "Ramesh ka kitna baaki hai?")
            (answer,) = await meta.wait_for(
                1, phone_number_id=NUMBERS["stays"], person=person, direction="out",
                after=(await meta.trace(wamid))["message"]["seq"], timeout_seconds=60,
            )  # fmt: skip
        assert "101" in json.dumps(answer["body"])  # what was booked before the deletion
