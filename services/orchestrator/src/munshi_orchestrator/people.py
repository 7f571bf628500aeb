"""Who an event is from: identities for the database, and the other names under which a person may have
written."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from munshi.contracts.events import Person
from munshi.contracts.ids import PhoneNumberID, TenantKey
from munshi.contracts.subjects import inbound, partition_of
from munshi.db.turns import Identity
from munshi.registry import Tenant
from munshi.sealing import conversation_key, lookup_hash, seal


def identity(tenant: Tenant, kind: Literal["bsuid", "phone"], value: str) -> Identity:
    """One identity, hashed for look-up and sealed for use."""
    return _identity(tenant.lookup_key, tenant.data_key, tenant.key, kind, value)


@lru_cache(maxsize=4096)
def _identity(
    lookup_key: bytes, data_key: bytes, owner: TenantKey, kind: Literal["bsuid", "phone"], value: str
) -> Identity:
    """Kept for who writes several messages in a row; under other keys it is made anew."""
    return Identity(kind, lookup_hash(lookup_key, kind, value), seal(data_key, value.encode(), owner))


def identities_of(tenant: Tenant, *people: Person) -> tuple[Identity, ...]:
    """All identities of one person, who may be described more than once."""
    found: dict[tuple[str, str], Identity] = {}
    for person in people:
        if person.bsuid:
            found.setdefault(("bsuid", person.bsuid), identity(tenant, "bsuid", person.bsuid))
        if person.phone:
            found.setdefault(("phone", person.phone), identity(tenant, "phone", person.phone))
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person's events lie on the bus."""

    partition: int
    subject: str


def place_of(
    tenant: Tenant, partitions: int, number: PhoneNumberID, bsuid: str | None, phone: str | None
) -> Place:
    """The place of the identity that decides: the BSUID, else the phone."""
    key = conversation_key(tenant.lookup_key, number, bsuid, phone)
    partition = partition_of(key, partitions)
    return Place(partition, inbound(tenant.cell, tenant.key, partition, key))


def earlier_places(
    tenant: Tenant, partitions: int, number: PhoneNumberID, person: Person, own_subject: str
) -> list[Place]:
    """Other subjects where older events of the same person may still wait."""
    places = []
    if person.bsuid and person.phone:
        places.append(place_of(tenant, partitions, number, None, person.phone))
    return [place for place in places if place.subject != own_subject]


_WHO = frozenset({"from", "from_user_id", "wa_id", "user_id", "recipient_id", "recipient_user_id"})


def kept_body(raw: dict[str, Any]) -> dict[str, Any]:
    """A message as kept at rest: what was said, without the number and BSUID of who said it."""
    return {
        name: kept_body(value) if isinstance(value, dict) else value
        for name, value in raw.items()
        if name not in _WHO
    }


def without_nul(value: Any) -> Any:
    """The same JSON without NUL characters, which PostgreSQL's jsonb cannot hold."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {without_nul(name): without_nul(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_nul(inner) for inner in value]
    return value
