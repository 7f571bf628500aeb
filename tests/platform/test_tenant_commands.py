"""Work on tenants of one running platform by `munshi`: apply, get, delete, dead letters."""

import asyncio
import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from munshi.provision.loopback import call
from rig.frozen import frozen
from rig.platform import PlatformRig
from rig.waiting import wait_for

TENANT = """
apiVersion: munshi.dev/v1alpha1
kind: WhatsAppTenant
metadata: {{name: {name}, namespace: tests}}
spec:
  displayName: {name}
  assistant: Ledger
  isolation: {isolation}
  whatsapp:
    businessAccountID: "200000000000001"
    phoneNumbers: [{{phoneNumberID: "{number}"}}]
    secretRef: {{name: {name}}}
  deletionPolicy: {policy}
---
apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: tests}}
stringData: {{app-secret: secret-one, access-token: token-one, verify-token: verify-one}}
"""


def document(name: str, number: str, isolation: str = "Pooled", policy: str = "Retain") -> str:
    return TENANT.format(name=name, number=number, isolation=isolation, policy=policy)


def handshake(platform: PlatformRig, key: str) -> int:
    query = "hub.mode=subscribe&hub.challenge=c&hub.verify_token=verify-one"
    return call(f"{platform.ingress}/webhooks/whatsapp/{key}?{query}")[0]


def generations(platform: PlatformRig, key: str) -> dict[str, int | None]:
    """Which generation of a tenant each service that follows the registry says it serves."""
    found = {}
    ports = {"ingress": 0, "orchestrator": 3, "media": 7}
    for name, offset in ports.items():
        _, answer = call(f"http://127.0.0.1:{platform.port + offset}/served/{key}")
        found[name] = json.loads(answer)["generation"]
    return found


def post_signed(platform: PlatformRig, key: str, body: bytes, secret: str) -> int:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    url, signed = (
        f"{platform.ingress}/webhooks/whatsapp/{key}",
        {"X-Hub-Signature-256": f"sha256={signature}"},
    )
    return call(url, "POST", body, signed)[0]


def with_files(accounts: Path) -> set[str]:
    """Accounts of which something lies there. NATS takes empty folders away when it starts.

    Folders may go while this looks: `os.walk` passes over them.
    """
    return {
        Path(folder, file).relative_to(accounts).parts[0]
        for folder, _, files in os.walk(accounts)
        for file in files
    }


@pytest.mark.parametrize("isolation", ["Pooled", "Dedicated"])
def test_a_tenant_is_applied_changed_and_deleted_live(
    platform: PlatformRig, isolation: str, tmp_path: Path
) -> None:
    name = f"live-{isolation.lower()}"
    number = "300000000000001" if isolation == "Pooled" else "300000000000002"
    key = f"tests_{name}"
    file = tmp_path / "tenant.yaml"
    file.write_text(document(name, number, isolation, "Delete"))
    before = {one["name"]: one["pid"] for one in platform.status()["processes"]}
    accounts = platform.data / "nats" / "jetstream" / "jetstream"
    kept_before = with_files(accounts)
    assert handshake(platform, key) == 404
    done = platform.munshi("apply", "-f", str(file))
    assert (done.returncode, done.stdout.strip()) == (0, f"whatsapptenant tests/{name} created"), done.stderr
    assert handshake(platform, key) == 200
    assert generations(platform, key) == {"ingress": 1, "orchestrator": 1, "media": 1}
    done = platform.munshi("apply", "-f", str(file))
    assert done.stdout.strip() == f"whatsapptenant tests/{name} unchanged"

    rotated = document(name, number, isolation, "Delete").replace(
        "app-secret: secret-one", "app-secret: secret-two, app-secret-previous: secret-one"
    )
    done = platform.munshi("apply", "-f", "-", stdin=rotated)
    assert done.stdout.strip() == f"whatsapptenant tests/{name} configured", done.stderr
    assert generations(platform, key) == {"ingress": 2, "orchestrator": 2, "media": 2}
    body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
    wait_for(lambda: post_signed(platform, key, body, "secret-two") == 200, "the new secret holds")
    assert post_signed(platform, key, body, "secret-one") == 200
    assert post_signed(platform, key, body, "secret-three") == 401

    cell = key if isolation == "Dedicated" else "pool"
    kept = platform.data / "objects" / "cells" / cell / key / "ab" / "picture"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"a picture")
    done = platform.munshi("delete", "tenant", name, "-n", "tests")
    assert done.returncode == 0, done.stderr
    assert "erased" in done.stdout
    assert not kept.parents[1].exists()
    wait_for(lambda: handshake(platform, key) == 404, "the tenant is gone")
    assert key not in {tenant["key"] for tenant in platform.status()["tenants"]}
    wait_for(lambda: with_files(accounts) == kept_before, "no message is left on the disk")
    assert before == {one["name"]: one["pid"] for one in platform.status()["processes"]}, (
        "a process was restarted"
    )


def test_apply_waits_for_the_orchestrator_and_says_where_it_does_not_come(platform: PlatformRig) -> None:
    worker = platform.process("orchestrator")["pid"]
    with frozen(worker):
        done = platform.munshi("apply", "-f", "-", stdin=document("waits", "300000000000007"))
        assert (done.returncode, done.stdout) == (1, "")
        assert "tests/waits was applied and is kept, but orchestrator does not serve it" in done.stderr
        assert "munshi logs orchestrator" in done.stderr
    wait_for(
        lambda: generations(platform, "tests_waits") == {"ingress": 1, "orchestrator": 1, "media": 1},
        "it is live",
    )
    assert platform.munshi("delete", "tenant", "waits", "--yes").returncode == 0


def test_get_tenants_prints_a_table_json_and_yaml_without_secrets(platform: PlatformRig) -> None:
    table = platform.munshi("get", "tenants")
    assert table.returncode == 0
    assert "sharma-kirana" in table.stdout
    as_json = json.loads(platform.munshi("get", "tenants", "-o", "json").stdout)
    as_yaml = yaml.safe_load(platform.munshi("get", "tenants", "-o", "yaml").stdout)
    assert as_json == as_yaml
    assert {item["kind"] for item in as_json["items"]} == {"WhatsAppTenant"}
    assert "demo-app-secret" not in json.dumps(as_json)
    (one,) = json.loads(platform.munshi("get", "tenants", "gupta-traders", "-o", "json").stdout)["items"]
    assert one["spec"]["isolation"] == "Pooled"
    missing = platform.munshi("get", "tenants", "nobody")
    assert (missing.returncode, "there is no tenant nobody" in missing.stderr) == (1, True)


def test_what_cannot_be_applied_says_why_and_changes_nothing(platform: PlatformRig, tmp_path: Path) -> None:
    good = document("fine", "300000000000009")
    before = platform.munshi("get", "tenants", "-o", "json").stdout
    cases = {
        "unknown field": good.replace("deletionPolicy", "deletionPolcy"),
        "did you mean deletionPolicy?": good.replace("deletionPolicy", "deletionPolcy"),
        "the key verify-token is missing": good.replace(", verify-token: verify-one", ""),
        "its Secret tests/fine is missing": good.split("---")[0],
        "is claimed by": good.replace("300000000000009", "106540352242922"),
        "no usable YAML": good.replace("[{", "[["),
        "there is no WhatsAppTenant": "# nothing",
    }
    for expected, text in cases.items():
        done = platform.munshi("apply", "-f", "-", stdin=text)
        assert done.returncode == 1
        assert expected in done.stderr
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
    assert platform.munshi("apply", "-f", str(tmp_path / "none.yaml")).returncode == 2
    assert platform.munshi("delete", "tenant", "nobody", "--yes").returncode == 1
    assert platform.munshi("get", "tenants", "-o", "json").stdout == before


def _letters(platform: PlatformRig, *arguments: str) -> list[dict[str, Any]]:
    done = platform.munshi("dead-letters", "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_dead_letters_are_listed_shown_and_dropped(platform: PlatformRig) -> None:
    secret = "demo-app-secret-of-gupta-traders"
    assert post_signed(platform, "shops_gupta-traders", b"this is no JSON", secret) == 200
    (letter,) = wait_for(lambda: _letters(platform, "--tenant", "shops/gupta-traders"), "a dead letter")
    assert letter["source"] == "ingress"
    number = str(letter["id"])
    shown = json.loads(platform.munshi("dead-letters", "show", number, "--json").stdout)
    assert "this is no JSON" in json.dumps(shown["payload"])
    assert letter["reason"] in platform.munshi("dead-letters", "list").stdout
    assert platform.munshi("dead-letters", "drop", number).returncode == 0
    assert _letters(platform, "--tenant", "shops/gupta-traders") == []
    assert len(_letters(platform, "--all", "--tenant", "shops/gupta-traders")) == 1
    again = platform.munshi("dead-letters", "drop", number)
    assert (again.returncode, "no open dead letter" in again.stderr) == (1, True)


def _letter_of(platform: PlatformRig, tenant: str) -> str:
    (letter,) = wait_for(lambda: _letters(platform, "--tenant", tenant), "a dead letter")
    return str(letter["id"])


def test_a_message_for_an_unknown_number_is_replayed_once_the_number_is_known(platform: PlatformRig) -> None:
    number, added = "300000000000011", "300000000000012"
    text = document("replayed", number, "Pooled", "Delete")
    assert platform.munshi("apply", "-f", "-", stdin=text).returncode == 0
    message = {
        "from": "919833300001",
        "id": "wamid.replayed",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": "help"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "1", "phone_number_id": added},
        "contacts": [{"profile": {"name": "R"}, "wa_id": "919833300001"}],
        "messages": [message],
    }
    body = json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "200000000000001", "changes": [{"field": "messages", "value": value}]}],
        }
    ).encode()
    assert post_signed(platform, "tests_replayed", body, "secret-one") == 200
    letter = _letter_of(platform, "tests/replayed")
    more = text.replace(
        f'{{phoneNumberID: "{number}"}}', f'{{phoneNumberID: "{number}"}}, {{phoneNumberID: "{added}"}}'
    )
    assert platform.munshi("apply", "-f", "-", stdin=more).returncode == 0
    done = platform.munshi("dead-letters", "replay", letter)
    assert (done.returncode, done.stdout) == (0, f"dead letter {letter}: posted to ingress again\n"), (
        done.stderr
    )
    wait_for(lambda: _turns(platform, "wamid.replayed"), "the replayed message has had its turn")
    assert _letters(platform, "--tenant", "tests/replayed") == []
    assert platform.munshi("delete", "tenant", "replayed", "--yes").returncode == 0


def _turns(platform: PlatformRig, message_id: str) -> int:
    """How many answers to a message were decided upon. The emulator never saw the message itself."""
    import asyncpg

    async def count() -> int:
        connection = await asyncpg.connect(platform.status()["database"]["url"])
        try:
            return int(
                await connection.fetchval("SELECT count(*) FROM outbox WHERE reply_to = $1", message_id)
            )
        finally:
            await connection.close()

    return asyncio.run(count())
