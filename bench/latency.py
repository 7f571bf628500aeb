"""Webhook to reply: how long after a webhook was posted its reply has left, at 50 a second.

Real ingress and orchestrator as processes, PostgreSQL and NATS out of their wheels, a stub of the Graph API.
Webhooks are posted one by one at even distances (open loop: a slow answer delays none), first as a
warm-up. Both ends are taken by the clock of this machine: posting here, acceptance in the stub's process.
"""

import asyncio
import hmac
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import orjson
import uvloop

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from bench._stage import BenchStage, bench_stage

RESULTS = Path(__file__).resolve().parent / "results"
RATE = 50.0
SECONDS = 15.0
WARM_SECONDS = 5.0
PEOPLE = 100
ROUNDS = 3


def webhook(stage: BenchStage, wamid: str, number: int) -> tuple[str, bytes, dict[str, str]]:
    """Path, body and headers of one text message's webhook."""
    entry, secrets = stage.shops[number % len(stage.shops)]
    phone = f"9198100{number % PEOPLE:05d}"
    message = {
        "from": phone,
        "id": wamid,
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": f"Ramesh ko {100 + number} ka maal udhaar diya"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": entry.spec.whatsapp.phone_numbers[0].phone_number_id},
        "contacts": [{"profile": {"name": "Ravi"}, "wa_id": phone}],
        "messages": [message],
    }
    change = {"field": "messages", "value": value}
    account = entry.spec.whatsapp.business_account_id
    body = orjson.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": account, "changes": [change]}]}
    )
    secret = secrets.app_secret.get_secret_value().encode()
    signature = "sha256=" + hmac.digest(secret, body, "sha256").hex()
    return f"/webhooks/whatsapp/{entry.key}", body, {"X-Hub-Signature-256": signature}


async def one_round(stage: BenchStage, url: str, run: int) -> dict[str, float]:
    """Latencies of one round in milliseconds."""
    posted: dict[str, float] = {}

    async def post(number: int) -> None:
        wamid = f"wamid.LATENCY{run}-{number:06d}"
        path, body, headers = webhook(stage, wamid, number)
        if number > RATE * WARM_SECONDS:
            posted[wamid] = time.time()
        async with stage.session.post(url + path, data=body, headers=headers) as answer:
            assert answer.status == 200, answer.status

    began = time.monotonic()
    before = await stage.accepted()
    tasks = []
    for number in range(int(RATE * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
        tasks.append(asyncio.create_task(post(number)))
    await asyncio.gather(*tasks)
    await stage.until_accepted(before + len(tasks), 30)
    accepted = await stage.times()
    found = sorted((accepted[wamid] - at) * 1e3 for wamid, at in posted.items())
    return {"p50_ms": statistics.median(found), "p99_ms": found[int(len(found) * 0.99)], "max_ms": found[-1]}


async def main() -> None:
    """Prints the table and writes `results/latency.json`."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_stage(Path(folder)) as stage:
            ingress = stage.services.start("ingress", {"MUNSHI_CELLS_DIR": str(stage.cells.folder)})
            await asyncio.to_thread(ingress.wait_ready)
            stage.worker()
            rounds = [await one_round(stage, ingress.url, number) for number in range(ROUNDS)]
    result = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    print(f"webhook to reply leaving at {RATE:.0f}/s, median of {ROUNDS} rounds of {SECONDS:.0f} s")
    print(f"p50 {result['p50_ms']:7.1f} ms   (asked 40)")
    print(f"p99 {result['p99_ms']:7.1f} ms   (asked 150)")
    print(f"max {result['max_ms']:7.1f} ms")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latency.json").write_text(json.dumps({"rounds": rounds, "median": result}, indent=2) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
