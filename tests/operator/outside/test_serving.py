"""Ingress and orchestrator with what the operator gives their pods and no more: a message in, a reply out."""

import time
from collections.abc import Awaitable, Callable

import pytest

from ingress.meta import change, message, meta_of, webhook
from orchestrator.stage import NUMBER, PATIENT, StubGraph, stub_graph
from rig.outside import SECRETS, Rig, write_folder
from rig.services import Services
from rig.waiting import eventually

PHONE = "919820000001"


@pytest.mark.parametrize("isolation", ["Dedicated", "Pooled"])
async def test_a_message_is_answered_and_a_renewed_token_used_at_once(
    rig: Rig, services: Services, isolation: str
) -> None:
    want = rig.want("sharma", isolation, number=NUMBER)
    await rig.outside.ensure(want)
    access = await rig.outside.access(want.cell)
    places = {part: rig.folder / part for part in ("ingress", "orchestrator")}
    for part, folder in places.items():
        write_folder(folder, access, part)
    async with stub_graph() as graph:
        quick = {"MUNSHI_DRAIN_SECONDS": "0", "MUNSHI_ACK_SECONDS": "60"}
        ingress = services.start("ingress", {**quick, "MUNSHI_CELLS_DIR": str(places["ingress"])})
        services.start(
            "orchestrator",
            {
                **PATIENT,
                "MUNSHI_CELLS_DIR": str(places["orchestrator"]),
                "MUNSHI_GRAPH_URL": graph.url,
                "MUNSHI_WORKER": "one",
                "MUNSHI_NUMBER_RATE": "10000",
            },
        ).wait_ready()
        ingress.wait_ready()
        async with meta_of(ingress.url) as meta:
            path = f"/webhooks/whatsapp/{want.object.key}"

            async def say(name: str) -> int:
                said = message(name, PHONE, timestamp=str(int(time.time())))
                return await meta.post(webhook(change(NUMBER, messages=[said])), path)

            assert await say("wamid.ONE") == 200
            await eventually(_sent(graph, 1))
            assert graph.sent[0].token == SECRETS["access-token"]
            renewed = {**SECRETS, "access-token": "renewed"}
            await rig.outside.ensure(rig.want("sharma", isolation, number=NUMBER, secrets=renewed))

            async def uses_the_new_one() -> bool:
                count = len(graph.sent)
                assert await say(f"wamid.MORE{count}") == 200
                await eventually(_sent(graph, count + 1))
                return graph.sent[-1].token == "renewed"

            await eventually(uses_the_new_one)
            # what cannot be read goes through the dead-letter stream into the database
            broken = {"object": "whatsapp_business_account", "entry": "no list"}
            assert await meta.post(broken, path) == 200

            async def kept() -> bool:
                found = await rig.db.fetchval(
                    "select count(*) from dead_letters where tenant = $1", want.object.key
                )
                return bool(found)

            await eventually(kept)
        services.stop_all()


def _sent(graph: StubGraph, count: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return len(graph.sent) >= count

    return enough
