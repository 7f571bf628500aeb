"""Tenants as YAML: what is read, and what each mistake is called. Pure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from munshi.contracts.ids import TenantKey
from munshi.errors import UserMistake
from munshi.provision.documents import read_documents
from munshi.provision.emulator import number_bodies
from munshi.provision.key_ring import TenantKeys
from munshi.provision.tenant_store import Seen, TenantStore, read_files, tenant_files
from munshi.provision.tenants import ServedTenant, as_yaml, resolve
from rig.platform import EXAMPLES

KEY = TenantKey("shops_sharma-kirana")

GOOD = """
apiVersion: munshi.dev/v1alpha1
kind: WhatsAppTenant
metadata: {name: sharma-kirana, namespace: shops}
spec:
  displayName: Sharma Kirana Store
  assistant: Ledger
  whatsapp:
    businessAccountID: "102290129340398"
    phoneNumbers: [{phoneNumberID: "106540352242922", displayPhoneNumber: "+91 98200 00000"}]
    secretRef: {name: sharma-whatsapp}
  ledger: {currency: INR, confirmAbove: "50000"}
---
apiVersion: v1
kind: Secret
metadata: {name: sharma-whatsapp, namespace: shops}
stringData: {app-secret: s1, access-token: t1, verify-token: v1}
"""


NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)


def served(text: str = GOOD) -> ServedTenant:
    (one,) = resolve(read_documents([("good.yaml", text)]), {}, NOW).values()
    return one


def mistake(text: str) -> str:
    with pytest.raises(UserMistake) as caught:
        resolve(read_documents([("shop.yaml", text)]), {}, NOW)
    return str(caught.value)


def test_a_tenant_and_its_secret_are_found() -> None:
    one = served()
    assert one.key == KEY
    credentials = one.credentials(TenantKeys())
    assert credentials.app_secret.get_secret_value() == "s1"
    assert credentials.app_secret_previous is None


def test_data_of_a_secret_is_base64() -> None:
    one = served(
        GOOD.replace("stringData: {app-secret: s1", "data: {app-secret: czEh").replace(
            "access-token: t1, verify-token: v1", "access-token: dDE=, verify-token: djE="
        )
    )
    assert one.secret.values == {"app-secret": "s1!", "access-token": "t1", "verify-token": "v1"}


def test_documents_may_stand_in_several_files_and_in_a_list() -> None:
    tenant, secret = GOOD.split("---")
    both = read_documents([("b.yaml", secret), ("a.yaml", tenant)])
    assert list(resolve(both, {}, NOW)) == [KEY]
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": list(yaml.safe_load_all(GOOD))})
    assert list(resolve(read_documents([("list.yaml", listed)]), {}, NOW)) == [KEY]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ledger:", "ledgr:", "spec.ledgr: unknown field; did you mean ledger?"),
        ("phoneNumberID:", "phoneNumberId:", "[0].phoneNumberId: unknown field; did you mean phoneNumberID?"),
        ("confirmAbove", "zzz", "spec.ledger.zzz: unknown field; remove it"),
        ("  displayName: Sharma Kirana Store\n", "", "spec.displayName: is missing"),
        ("displayName", "display_name", "spec.display_name: unknown field; did you mean displayName?"),
        ('"102290129340398"', "102290129340398", "businessAccountID: must be text; put the value in quotes"),
        ("assistant: Ledger", "assistant: Leger", "'Ledger', 'Invoices'"),
        (
            "currency: INR",
            "currency: rupees",
            "spec.ledger.currency: must be an ISO 4217 code, such as INR; it is 'rupees'",
        ),
        ("  ledger: {currency: INR, confirmAbove: \"50000\"}", "  sales: {}", "spec.sales is given, but"),
        ("  ledger:", "  timeZone: Asia/Bombay\n  ledger:", "write one such as Asia/Kolkata"),
        ("v1alpha1", "v2", "apiVersion is 'munshi.dev/v2'; Munshi takes munshi.dev/v1alpha1"),
        ("kind: Secret", "kind: Deployment", "kind is 'Deployment'; Munshi takes WhatsAppTenant"),
        ("verify-token: v1", "verify: v1", "the key verify-token is missing; add it under stringData"),
        ("verify-token: v1", 'verify-token: ""', "the key verify-token is empty"),
        ("verify-token: v1", "verify-token: 12", "stringData.verify-token: must be text"),
        ("name: sharma-whatsapp, namespace", "name: other, namespace", "its Secret shops/sharma-whatsapp is"),
        ("stringData:", "data:", "is no base64; encode it, or put the plain text under stringData"),
        ("currency: INR", "currency: [", "this is no usable YAML: line 12, column"),
        ("assistant: Ledger", "assistant: Ledger\n  assistant: Sales", "the key 'assistant' is given twice"),
    ],
)  # fmt: skip
def test_each_mistake_says_where_it_is_and_what_to_do(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    said = mistake(GOOD.replace(old, new))
    assert expected in said
    assert "s1" not in said, "a message must not show a secret"


def test_a_mistake_in_a_document_names_file_document_and_tenant() -> None:
    said = mistake(GOOD.replace("ledger:", "ledgr:"))
    assert said.startswith("shop.yaml, document 1 (WhatsAppTenant shops/sharma-kirana): ")
    assert "\n" not in said


@pytest.mark.parametrize("text", ["just words", "[1, 2]", "a: b: c", "\t- x", "kind: [", "{"])
def test_text_that_is_no_document_is_a_clear_mistake(text: str) -> None:
    assert mistake(text).startswith("shop.yaml")


def test_a_number_belongs_to_one_tenant() -> None:
    other = GOOD.replace("name: sharma-kirana", "name: verma")
    said = mistake(f"{GOOD}\n---\n{other}")
    assert "phoneNumberID 106540352242922 is claimed by" in said
    assert "shops/sharma-kirana" in said
    assert "shops/verma" in said
    with pytest.raises(UserMistake, match="is claimed by"):
        resolve(read_documents([("o.yaml", other)]), {KEY: served()}, NOW)


def test_the_older_of_two_keeps_a_number() -> None:
    other = read_documents([("o.yaml", GOOD.replace("name: sharma-kirana", "name: a-younger-one"))])
    with pytest.raises(UserMistake) as caught:
        resolve(other, {KEY: served()}, NOW + timedelta(days=1))
    assert str(caught.value).startswith("WhatsAppTenant shops/a-younger-one: phoneNumberID 106540352242922")
    assert "claimed by shops/sharma-kirana already, since 2026-11-01 10:00:00 UTC" in str(caught.value)


def test_a_change_does_not_make_a_tenant_younger() -> None:
    changed = resolve(
        read_documents([("x", GOOD.replace("50000", "70000"))]), {KEY: served()}, NOW + timedelta(days=1)
    )
    assert changed[KEY].created == NOW


def test_only_what_changed_is_done_again_and_counts_up() -> None:
    held = {KEY: served()}
    assert resolve(read_documents([("x", GOOD)]), held, NOW) == {}
    changed = resolve(read_documents([("x", GOOD.replace("50000", "70000"))]), held, NOW)
    assert changed[KEY].generation == 2


def test_a_secret_alone_reaches_the_tenant_that_names_it() -> None:
    secret = GOOD.split("---")[1].replace("s1", "s2").replace("v1}", "v1, app-secret-previous: s1}")
    (changed,) = resolve(read_documents([("secret.yaml", secret)]), {KEY: served()}, NOW).values()
    credentials = changed.credentials(TenantKeys())
    assert credentials.app_secret.get_secret_value() == "s2"
    assert credentials.app_secret_previous is not None
    assert credentials.app_secret_previous.get_secret_value() == "s1"


def test_a_tenant_alone_keeps_the_secret_that_is_held() -> None:
    tenant = GOOD.split("---", maxsplit=1)[0].replace("50000", "60000")
    (changed,) = resolve(read_documents([("t.yaml", tenant)]), {KEY: served()}, NOW).values()
    assert changed.secret.values["app-secret"] == "s1"


def test_isolation_does_not_change_while_a_tenant_lives() -> None:
    moved = GOOD.replace("  assistant: Ledger", "  assistant: Ledger\n  isolation: Pooled")
    with pytest.raises(UserMistake, match=r"spec\.isolation cannot change from Dedicated to Pooled"):
        resolve(read_documents([("x", moved)]), {KEY: served()}, NOW)


def test_the_store_gives_back_what_it_was_given(tmp_path: Path) -> None:
    store = TenantStore(tmp_path)
    one = ServedTenant(served().tenant, served().secret, 7, NOW)
    store.save(one)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    back = store.load()[KEY]
    assert back.generation == 7
    assert back.created == NOW
    assert back.same_as(one)
    again = resolve(read_documents([("again", as_yaml(one))]), {}, NOW)
    assert again[KEY].same_as(one)
    store.remove(KEY)
    assert store.load() == {}


def test_a_later_start_leaves_alone_what_it_applied_before(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    documents = read_documents([("x", GOOD)])
    assert list(Seen(seen).new_of(documents).tenants) == [KEY]
    Seen(seen).remember(documents)
    assert not Seen(seen).new_of(documents).tenants
    changed = read_documents([("x", GOOD.replace("50000", "70000"))])
    assert list(Seen(seen).new_of(changed).tenants) == [KEY]


def test_files_of_a_folder_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "readme.txt"):
        (tmp_path / name).write_text("kind: x")
    assert [path.name for path in tenant_files(tmp_path)] == ["a.yml", "b.yaml"]
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserMistake, match="not UTF-8"):
        read_files([tmp_path / "bad.yaml"])


def test_the_examples_are_three_ledgers_that_differ() -> None:
    documents = read_documents(read_files(tenant_files(EXAMPLES)))
    examples = resolve(documents, {}, NOW)
    specs = [one.tenant.spec for one in examples.values()]
    assert {"shops_sharma-kirana", "shops_gupta-traders", "shops_lakshmi-stores"} <= set(examples)
    assert {spec.isolation.value for spec in specs} == {"Dedicated", "Pooled"}
    assert {spec.ledger.currency for spec in specs if spec.ledger} >= {"INR", "AED"}
    for one in examples.values():
        assert all(value.startswith("demo-") for value in one.secret.values.values())


def test_the_emulator_is_told_numbers_secrets_and_starters() -> None:
    bodies = number_bodies(served(), "http://127.0.0.1:1/webhooks/whatsapp/shops_sharma-kirana")
    body = bodies["106540352242922"]
    assert body["verified_name"] == "Sharma Kirana Store"
    assert (body["app_secret"], body["access_tokens"], body["verify_token"]) == ("s1", ["t1"], "v1")
    assert body["webhook_url"].endswith("/shops_sharma-kirana")
    assert "undo" in body["starters"]
