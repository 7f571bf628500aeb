"""Sorting a verified body is pure: whose, where to, what is dead."""

import base64
import hashlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.meta import ACCOUNT, NUMBER, change, encoded, message, status, webhook
from munshi.contracts.events import DeadLetter, Envelope, Kind
from munshi.contracts.ids import CellName
from munshi.contracts.subjects import partition_of
from munshi.contracts.tenant import PLATFORM, POOL
from munshi.registry import Tenant, TenantDirectory
from munshi.sealing import conversation_key
from munshi_ingress.sorting import NotKnownYet, Sorted, Sorter, owned_by, owned_in, read_json
from rig.cells import credentials, known_tenant, tenant_document

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LOOKUP = "11" * 32
GUPTA = CellName("shops_gupta")
PARTITIONS = {POOL: 16, GUPTA: 4}


def tenant(name: str, number: str = NUMBER, **spec: str) -> Tenant:
    return known_tenant(tenant_document(name, phone_number_id=number, **spec), credentials(lookup_key=LOOKUP))


SHARMA = tenant("sharma")
OTHER = tenant("gupta", "55555", isolation="Dedicated")


def directory_of(*tenants: Tenant) -> TenantDirectory:
    directory = TenantDirectory()
    for one in tenants:
        directory.put(one)
    return directory


def sort(payload: Any, owner: Tenant = SHARMA) -> Sorted:
    return Sorter(PARTITIONS, owner, TRACE).sort(encoded(payload), owned_by(owner, directory_of(owner)))


def letters(result: Sorted, cell: CellName = POOL) -> list[DeadLetter]:
    return [
        DeadLetter.model_validate_json(each.data)
        for each in result.outgoing[cell]
        if ".dead." in each.subject
    ]


def envelopes(result: Sorted, cell: CellName = POOL) -> list[Envelope]:
    return [
        Envelope.model_validate_json(each.data) for each in result.outgoing[cell] if ".in." in each.subject
    ]


def test_an_event_goes_to_the_lane_of_its_conversation() -> None:
    contact = {"wa_id": "919820000001", "user_id": "IN.1", "profile": {"name": "Ramesh"}}
    result = sort(webhook(change(messages=[message("wamid.1")], contacts=[contact])))
    (out,) = result.outgoing[POOL]
    key = conversation_key(bytes.fromhex(LOOKUP), NUMBER, "IN.1", "919820000001")
    assert out.subject == f"munshi.pool.in.shops_sharma.{partition_of(key, 16):03d}.{key}"
    assert out.headers == {"Nats-Msg-Id": "shops_sharma:wamid.1", "traceparent": TRACE}
    (envelope,) = envelopes(result)
    assert (envelope.tenant, envelope.kind, envelope.id) == ("shops_sharma", Kind.MESSAGE, "wamid.1")
    assert envelope.person is not None
    assert (envelope.person.bsuid, envelope.person.phone, envelope.person.name) == (
        "IN.1",
        "919820000001",
        "Ramesh",
    )
    assert envelope.at is not None
    assert envelope.at.isoformat() == "2026-01-01T00:00:00+00:00"
    assert result.kinds == {"message": 1}


def test_message_status_and_reply_of_one_person_share_a_lane() -> None:
    result = sort(webhook(change(messages=[message("wamid.1")], statuses=[status("wamid.O")])))
    first, second = result.outgoing[POOL]
    assert first.subject == second.subject


def test_what_is_of_no_person_goes_to_the_account() -> None:
    result = sort(webhook({"field": "account_update", "value": {"event": "X"}}))
    (out,) = result.outgoing[POOL]
    assert out.subject.startswith("munshi.pool.in.shops_sharma.")
    assert out.subject.endswith(".account")


def test_a_permuted_batch_is_put_in_metas_order() -> None:
    messages = [message(f"wamid.{n}", timestamp=str(1767225600 + n)) for n in (3, 1, 2, 0)]
    result = sort(webhook(change(messages=messages)))
    assert [e.id for e in envelopes(result)] == ["wamid.0", "wamid.1", "wamid.2", "wamid.3"]


def test_a_foreign_number_is_a_dead_letter_and_the_rest_is_kept() -> None:
    foreign = change("999", messages=[message("wamid.F"), message("wamid.F2")])
    result = sort(
        webhook(change(messages=[message("wamid.1")]), foreign, change(statuses=[status("wamid.O")]))
    )
    assert [e.id for e in envelopes(result)] == ["wamid.1", "wamid.O:delivered:1767225600"]
    (letter,) = letters(result)
    assert (letter.tenant, letter.reason, letter.encoding) == (
        "shops_sharma",
        "foreign_phone_number",
        "utf-8",
    )
    assert json.loads(letter.body) == webhook(foreign)
    assert letter.id == hashlib.sha256(letter.body.encode()).hexdigest()
    assert result.dead == {"foreign_phone_number": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[1, NaN]", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b"null", "unknown_object"),
        (b"[]", "unknown_object"),
        (b'{"object": "page", "entry": []}', "unknown_object"),
        (b'{"object": "whatsapp_business_account"}', "unknown_object"),
    ],
)
def test_what_is_no_webhook_is_a_dead_letter(body: bytes, reason: str) -> None:
    (letter,) = letters(sort(body))
    assert letter.reason == reason
    given = base64.b64decode(letter.body) if letter.encoding == "base64" else letter.body.encode()
    assert given == body


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (webhook(change(None, messages=[message("wamid.1")])), "no_phone_number"),
        (webhook({"field": "account_update", "value": {}}, account="666"), "foreign_business_account"),
        ({"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT}]}, "malformed_entry"),
        ({"object": "whatsapp_business_account", "entry": "x"}, "malformed_entry"),
        (webhook({"field": "messages"}), "malformed_entry"),
        (webhook(change(messages=[5])), "malformed_element"),
    ],
)
def test_what_cannot_be_sorted_is_a_dead_letter(payload: Any, reason: str) -> None:
    result = sort(payload)
    assert [letter.reason for letter in letters(result)] == [reason]
    assert result.kinds == {}


def test_an_element_too_deep_to_be_written_is_a_dead_letter() -> None:
    deep = "x"
    for _ in range(400):
        deep = [deep]  # type: ignore[assignment]
    body = encoded(webhook(change(messages=[message("wamid.1"), message("wamid.2", odd=deep)])))
    (letter,) = letters(sort(body))
    assert (letter.reason, letter.body.encode()) == ("nested_too_deeply", body)


def test_an_event_that_swells_beyond_the_bus_is_a_dead_letter() -> None:
    numbers = b"[" + b",".join([b"1E15"] * 400_000) + b"]"
    frame = encoded(webhook(change(messages=[message("wamid.1"), message("wamid.2", odd=1.5)])))
    result = sort(frame.replace(b"1.5", numbers))
    assert [e.id for e in envelopes(result)] == ["wamid.1"]
    assert [letter.reason for letter in letters(result)] == ["too_large"]


def test_half_a_surrogate_pair_loses_no_message() -> None:
    body = encoded(webhook(change(messages=[message("wamid.1", text={"body": "ok \ud83d"})])))
    assert rb"\ud83d" in body
    (envelope,) = envelopes(sort(body))
    assert envelope.raw["text"] == {"body": "ok ?"}


def test_the_platforms_path_sorts_by_number_over_cells() -> None:
    directory = TenantDirectory()
    directory.put(SHARMA)
    directory.put(OTHER)
    payload = webhook(
        change(messages=[message("wamid.1")]),
        change("55555", messages=[message("wamid.2")]),
        change("999", messages=[message("wamid.3")]),
    )
    result = Sorter(PARTITIONS, None, TRACE).sort(encoded(payload), owned_in(directory, complete=True))
    assert [e.id for e in envelopes(result)] == ["wamid.1"]
    assert [e.id for e in envelopes(result, GUPTA)] == ["wamid.2"]
    (letter,) = letters(result)
    assert (letter.tenant, letter.reason) == (PLATFORM, "foreign_phone_number")
    assert result.outgoing[GUPTA][0].subject.startswith("munshi.shops_gupta.in.shops_gupta.")


def test_a_number_of_a_cell_that_is_not_known_yet_is_not_taken_for_foreign() -> None:
    directory = TenantDirectory()
    directory.put(SHARMA)
    owners = owned_in(directory, complete=False)
    known = webhook(change(messages=[message("wamid.1")]))
    assert Sorter(PARTITIONS, None, TRACE).sort(encoded(known), owners).kinds == {"message": 1}
    for unknown in (change("55555", messages=[message("wamid.2")]), {"field": "account_update", "value": {}}):
        with pytest.raises(NotKnownYet):
            Sorter(PARTITIONS, None, TRACE).sort(encoded(webhook(unknown, account="1")), owners)


def test_what_concerns_an_account_goes_to_all_its_tenants() -> None:
    directory = TenantDirectory()
    directory.put(SHARMA)
    directory.put(OTHER)
    payload = webhook({"field": "message_template_status_update", "value": {"event": "PAUSED"}})
    result = Sorter(PARTITIONS, None, TRACE).sort(encoded(payload), owned_in(directory, complete=True))
    assert [e.tenant for e in envelopes(result)] == ["shops_sharma"]
    assert [e.tenant for e in envelopes(result, GUPTA)] == ["shops_gupta"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["object", "entry", "changes"]), inner)
        ),
    )
)
def test_any_json_is_sorted_without_an_error(value: Any) -> None:
    result = sort(json.dumps(value).encode())
    assert set(result.outgoing) <= {POOL}


@given(st.binary(max_size=200))
def test_any_bytes_are_sorted_without_an_error(body: bytes) -> None:
    assert len(sort(body).outgoing[POOL]) == 1


@given(st.text())
def test_reading_agrees_with_the_standard_library(text: str) -> None:
    body = json.dumps({"x": text}).encode()
    expected = text.encode("utf-8", "replace").decode()
    assert read_json(body) == {"x": expected}
    assert orjson.dumps(read_json(body))
