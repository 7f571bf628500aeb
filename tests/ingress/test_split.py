"""Splitting a webhook is pure: every element becomes one event, and whose it is, is right."""

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingress.meta import ACCOUNT, NUMBER, change, message, status, webhook
from munshi.contracts.cloud_api.webhook import ChangeAt, walk
from munshi.contracts.events import Kind
from munshi_ingress.split import Event, Stray, split


def parts(raw: dict[str, Any]) -> list[Event | Stray]:
    (found,) = walk(webhook(raw))
    assert isinstance(found, ChangeAt)
    return list(split(found))


def events(raw: dict[str, Any]) -> list[Event]:
    found = parts(raw)
    assert all(isinstance(part, Event) for part in found)
    return [part for part in found if isinstance(part, Event)]


def only(raw: dict[str, Any]) -> Event:
    (event,) = events(raw)
    return event


def test_a_message_with_its_contact() -> None:
    contact = {
        "profile": {"name": "Ramesh", "username": "ramesh.k"},
        "wa_id": "919820000001",
        "user_id": "IN.1",
    }
    event = only(change(messages=[message("wamid.1")], contacts=[contact]))
    assert event == Event(
        kind=Kind.MESSAGE,
        id="wamid.1",
        phone_number_id=NUMBER,
        bsuid="IN.1",
        phone="919820000001",
        name="Ramesh",
        username="ramesh.k",
        seconds=1767225600,
        raw=message("wamid.1"),
    )


def test_people_of_a_batch_are_not_mixed_up() -> None:
    contacts = [
        {"profile": {"name": "Suresh"}, "wa_id": "919820000002", "user_id": "IN.2"},
        {"profile": {"name": "Ramesh"}, "wa_id": "919820000001", "user_id": "IN.1"},
        {"profile": {"name": "Meena"}, "user_id": "IN.3"},
    ]
    messages = [
        message("wamid.1", "919820000001"),
        message("wamid.3", None, from_user_id="IN.3"),
        message("wamid.2", "919820000002", from_user_id="IN.2"),
        message("wamid.4", "919820000004"),
    ]
    found = [(e.id, e.bsuid, e.phone, e.name) for e in events(change(messages=messages, contacts=contacts))]
    assert found == [
        ("wamid.1", "IN.1", "919820000001", "Ramesh"),
        ("wamid.3", "IN.3", None, "Meena"),
        ("wamid.2", "IN.2", "919820000002", "Suresh"),
        ("wamid.4", None, "919820000004", None),
    ]


def test_a_message_that_names_nobody_is_of_the_only_contact() -> None:
    contact = {"profile": {"name": "Meena"}, "user_id": "IN.3"}
    assert only(change(messages=[message("wamid.1", None)], contacts=[contact])).bsuid == "IN.3"
    two = [contact, {"profile": {"name": "Ramesh"}, "wa_id": "919820000001"}]
    event = only(change(messages=[message("wamid.1", None)], contacts=two))
    assert (event.bsuid, event.phone) == (None, None)


def test_a_system_message_has_no_contacts_and_is_of_the_old_number() -> None:
    system = {"type": "user_changed_number", "wa_id": "919820000009", "body": "changed"}
    event = only(change(messages=[message("wamid.S", type="system", system=system)]))
    assert (event.phone, event.bsuid) == ("919820000001", None)


def test_statuses_are_told_apart_by_word_and_time() -> None:
    statuses = [
        status("wamid.O", "sent"),
        status("wamid.O", "delivered"),
        status("wamid.O", "sent", "1767225601"),
    ]
    assert [e.id for e in events(change(statuses=statuses))] == [
        "wamid.O:sent:1767225600",
        "wamid.O:delivered:1767225600",
        "wamid.O:sent:1767225601",
    ]
    user = status("wamid.O", recipient_user_id="IN.1")
    assert only(change(statuses=[user])).bsuid == "IN.1"


def test_members_of_a_group_have_statuses_of_their_own() -> None:
    statuses = [status("wamid.O", recipient_participant_id=f"91982000000{n}") for n in range(2)]
    first, second = events(change(statuses=statuses))
    assert first.id != second.id
    assert "9198200" not in first.id


def test_errors_and_preferences() -> None:
    error = {"code": 130429, "title": "Rate limit hit"}
    stop = {"wa_id": "919820000001", "user_id": "IN.1", "category": "marketing_messages", "value": "stop"}
    assert only(change(errors=[error])).kind is Kind.ERROR
    event = only(change(user_preferences=[stop]) | {"field": "user_preferences"})
    assert (event.kind, event.phone, event.bsuid) == (Kind.PREFERENCE, "919820000001", "IN.1")


def test_other_fields_are_kept_whole() -> None:
    raw = {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}
    event = only(raw)
    assert (event.kind, event.raw, event.phone_number_id) == (Kind.FIELD, raw, None)
    assert only(raw).id == event.id


def test_lists_of_the_future_and_changes_without_lists_are_kept() -> None:
    raw = change(messages=[message("wamid.1")], holograms=[{"depth": 3}])
    first, rest = events(raw)
    assert first.id == "wamid.1"
    assert rest.kind is Kind.FIELD
    assert rest.raw["value"]["holograms"] == [{"depth": 3}]
    assert "messages" not in rest.raw["value"]
    assert only(change()).kind is Kind.FIELD


def test_what_is_no_object_is_a_stray_in_a_webhook_of_its_own() -> None:
    first, stray = parts(change(messages=[message("wamid.1"), 7]))
    assert isinstance(first, Event)
    assert stray == Stray("malformed_element", webhook(change(messages=[7])))
    (whole,) = parts(change(messages="soon"))
    assert whole == Stray("malformed_element", webhook(change(messages="soon")))


def test_unusable_ids_become_a_hash_of_the_content() -> None:
    odd = ["wamid.\r\nX: y", "", "ü", "x" * 257, 5, None, {"a": 1}]
    found = [only(change(messages=[message("x") | {"id": each}])).id for each in odd]
    assert len(set(found)) == len(odd)
    assert all(each.startswith("message:") and len(each) == 48 for each in found)
    assert found[0] == only(change(messages=[message("x") | {"id": odd[0]}])).id


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
elements = st.lists(
    st.dictionaries(st.sampled_from(["id", "from", "status", "timestamp", "x"]), json_values) | json_values,
    max_size=5,
)
LISTS = ["messages", "statuses", "errors", "user_preferences", "futures"]


@given(
    lists=st.dictionaries(st.sampled_from(LISTS), elements | json_values, max_size=5),
    field=st.sampled_from(["messages", "user_preferences", "calls", "other"]),
    contacts=json_values,
)
def test_nothing_is_lost_and_nothing_is_doubled(lists: dict[str, Any], field: str, contacts: Any) -> None:
    raw = change(**lists, contacts=contacts) | {"field": field}
    found = parts(raw)
    if field in {"calls", "other"}:
        assert [part.raw for part in found if isinstance(part, Event)] == [raw]
        return
    wanted = Counter(
        dumps(element)
        for name, given_list in lists.items()
        if name != "futures" and isinstance(given_list, list)
        for element in given_list
    )
    kept = Counter(
        dumps(part.raw) for part in found if isinstance(part, Event) and part.kind is not Kind.FIELD
    )
    strays = [part.webhook["entry"][0]["changes"][0]["value"] for part in found if isinstance(part, Stray)]
    kept += Counter(
        dumps(element)
        for value in strays
        for name, odd in value.items()
        if name in lists and isinstance(odd, list)
        for element in odd
    )
    assert kept == wanted
    if "futures" in lists:
        (rest,) = (part for part in found if isinstance(part, Event) and part.kind is Kind.FIELD)
        assert rest.raw["value"]["futures"] == lists["futures"]


def dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(payload=st.dictionaries(st.sampled_from(["entry", "object"]), json_values | st.lists(json_values)))
def test_walking_any_object_never_raises(payload: dict[str, Any]) -> None:
    entries = payload.get("entry")
    found = list(walk(payload))
    assert len(found) >= (len(entries) if isinstance(entries, list) else 1) - _empty(entries)


def _empty(entries: Any) -> int:
    """Entries with an empty list of changes hold nothing."""
    return (
        sum(1 for entry in entries if isinstance(entry, dict) and entry.get("changes") == [])
        if isinstance(entries, list)
        else 0
    )


def test_the_account_of_an_entry_is_known() -> None:
    (found,) = walk(webhook(change()))
    assert isinstance(found, ChangeAt)
    assert (found.account, found.phone_number_id) == (ACCOUNT, NUMBER)
