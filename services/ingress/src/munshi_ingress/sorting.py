"""From a verified body to what the bus must keep: whose each change is, and where each event goes. Pure."""

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from munshi.bus.outgoing import MAX_EVENT_BYTES, Outgoing
from munshi.contracts.cloud_api.tolerant import moment
from munshi.contracts.cloud_api.webhook import FIELD_MESSAGES, OBJECT, ChangeAt, frame, is_webhook, walk
from munshi.contracts.events import HEADER_ID, HEADER_TRACE
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import ACCOUNT_CONVERSATION, dead, inbound, partition_of
from munshi.contracts.tenant import PLATFORM, POOL
from munshi.errors import Retryable
from munshi.sealing import conversation_key
from munshi.tenants import Tenant, TenantDirectory
from munshi_ingress.split import Event, Stray, split

_HEADERS_ROOM = 4096

Owners = Callable[[ChangeAt], Sequence[Tenant] | str]
"""Whose a change is; a word says why it is nobody's."""


@lru_cache(maxsize=65_536)
def _subject(
    tenant: TenantKey, cell: CellName, partitions: int, key: bytes, who: tuple[str, str | None, str | None]
) -> str:
    """Where a person's events go. Remembered: people write often, and each answer has its statuses."""
    conversation = conversation_key(key, *who)
    return inbound(cell, tenant, partition_of(conversation, partitions), conversation)


class Sorted:
    """What one webhook comes to: what each cell's bus must keep, events by kind, dead letters by reason."""

    __slots__ = ("dead", "kinds", "outgoing")

    def __init__(self) -> None:
        self.outgoing: dict[CellName, list[Outgoing]] = {}
        self.kinds: dict[str, int] = {}
        self.dead: dict[str, int] = {}


class NotKnownYet(Retryable):
    """Nobody known owns it, but not everybody is known."""


def owned_by(tenant: Tenant, directory: TenantDirectory) -> Owners:
    """On a tenant's own path: its numbers and its business account, nothing else.

    A number that an older tenant claims too is not its own.
    """

    def owners(change: ChangeAt) -> Sequence[Tenant] | str:
        number = change.phone_number_id
        if number is not None:
            owner = directory.of_number(number)
            own = number in tenant.numbers and (owner is None or owner.key == tenant.key)
            return (tenant,) if own else "foreign_phone_number"
        if change.field == FIELD_MESSAGES:
            return "no_phone_number"
        account = tenant.spec.whatsapp.business_account_id
        return (tenant,) if change.account in {None, account} else "foreign_business_account"

    return owners


def owned_in(directory: TenantDirectory, *, complete: bool) -> Owners:
    """On the platform's path: sorted by phone number id; what names none goes to all of its account.

    With `complete` false some cell's registry is not known yet, and what nobody owns may be its own: the
    owners then raise `NotKnownYet`.
    """

    def owners(change: ChangeAt) -> Sequence[Tenant] | str:
        number = change.phone_number_id
        if number is None and (change.field == FIELD_MESSAGES or change.account is None):
            return "no_phone_number"
        if number is not None:
            tenant = directory.of_number(number)
            found = [tenant] if tenant else []
        else:
            found = directory.of_business_account(change.account or "")
        if not found and not complete:
            raise NotKnownYet("the registry of a cell is not known yet")
        return found or ("foreign_business_account" if number is None else "foreign_phone_number")

    return owners


class Sorter:
    """Sorts one webhook.

    Args:
        partitions: lanes of each cell that is served; the first cell (the pool, where it is served) takes
            dead letters of no tenant.
        tenant: whose path it came by; `None` for the platform's.
        trace: W3C `traceparent` of the request.
    """

    def __init__(self, partitions: Mapping[CellName, int], tenant: Tenant | None, trace: str) -> None:
        self._partitions = partitions
        self._tenant = tenant
        self._trace = trace
        self._received_at = datetime.now(UTC)
        self._result = Sorted()

    def sort(self, body: bytes, owners: Owners) -> Sorted:
        """What the bus must keep of a verified body. For its content it raises only what `owners` raise."""
        try:
            payload = read_json(body)
        except ValueError:
            self._dead("malformed_json", body)
            return self._result
        if not is_webhook(payload):
            self._dead("unknown_object", body)
            return self._result
        try:
            self._sort(payload, body, owners)
        except orjson.JSONEncodeError:
            # It was read, but is nested deeper than can be written again: as a whole to the dead letters.
            self._result = Sorted()
            self._dead("nested_too_deeply", body)
        return self._result

    def _sort(self, payload: dict[str, Any], body: bytes, owners: Owners) -> None:
        events: list[tuple[Tenant, Event]] = []
        for part in walk(payload):
            if not isinstance(part, ChangeAt):
                self._dead("malformed_entry", orjson.dumps({"object": OBJECT, "entry": [part.raw]}))
                continue
            owner = owners(part)
            if isinstance(owner, str):
                self._dead(owner, orjson.dumps(frame(part.account, part.raw)))
            else:
                events.extend(self._events(part, owner))
        if len(events) > 1:
            # Meta permutes what it batches; its clock restores the order as far as a second tells.
            events.sort(key=lambda pair: pair[1].seconds or 0)
        for tenant, event in events:
            self._keep(tenant, event, body)

    def _events(self, change: ChangeAt, owner: Sequence[Tenant]) -> Iterable[tuple[Tenant, Event]]:
        for part in split(change):
            if isinstance(part, Stray):
                self._dead(part.reason, orjson.dumps(part.webhook), owner[0])
                continue
            for tenant in owner:
                yield tenant, part

    def _keep(self, tenant: Tenant, event: Event, body: bytes) -> None:
        data = orjson.dumps(self._envelope(tenant, event))
        if len(data) > MAX_EVENT_BYTES - _HEADERS_ROOM:
            self._dead("too_large", body, tenant)
            return
        self._put(tenant.cell, self._where(tenant, event), data, f"{tenant.key}:{event.id}")
        kinds = self._result.kinds
        kinds[event.kind.value] = kinds.get(event.kind.value, 0) + 1

    def _where(self, tenant: Tenant, event: Event) -> str:
        partitions = self._partitions.get(tenant.cell, 1)
        if event.phone_number_id is not None and (event.bsuid or event.phone):
            who = (event.phone_number_id, event.bsuid, event.phone)
            return _subject(tenant.key, tenant.cell, partitions, tenant.lookup_key, who)
        lane = partition_of(ACCOUNT_CONVERSATION, partitions)
        return inbound(tenant.cell, tenant.key, lane, ACCOUNT_CONVERSATION)

    def _envelope(self, tenant: Tenant, event: Event) -> dict[str, Any]:
        """`munshi.contracts.events.Envelope`, as it is written."""
        person = None
        if event.bsuid or event.phone:
            person = {
                "bsuid": event.bsuid,
                "phone": event.phone,
                "name": event.name,
                "username": event.username,
            }
        return {
            "v": 1,
            "tenant": tenant.key,
            "kind": event.kind.value,
            "id": event.id,
            "phone_number_id": event.phone_number_id,
            "person": person,
            "at": moment(event.seconds),
            "received_at": self._received_at,
            "raw": event.raw,
        }

    def _dead(self, reason: str, body: bytes, tenant: Tenant | None = None) -> None:
        tenant = tenant or self._tenant
        key = tenant.key if tenant else PLATFORM
        cell = tenant.cell if tenant else min(self._partitions, key=lambda name: (name != POOL, name))
        text, encoding = _as_text(body)
        letter = {
            "v": 1,
            "tenant": key,
            "id": hashlib.sha256(body).hexdigest(),
            "reason": reason,
            "received_at": self._received_at,
            "body": text,
            "encoding": encoding,
        }
        self._put(cell, dead(cell, key), orjson.dumps(letter), f"{key}:{letter['id']}")
        self._result.dead[reason] = self._result.dead.get(reason, 0) + 1

    def _put(self, cell: CellName, subject: str, data: bytes, key: str) -> None:
        headers = {HEADER_ID: key, HEADER_TRACE: self._trace}
        self._result.outgoing.setdefault(cell, []).append(Outgoing(subject, data, headers))


def read_json(body: bytes) -> Any:
    """Reads JSON, also where a text holds half of a surrogate pair, which becomes a question mark.

    Raises:
        ValueError: it is no JSON, or nested deeper than anything of Meta's.
    """
    with contextlib.suppress(orjson.JSONDecodeError):  # the slower reader tells whether it is JSON after all
        return orjson.loads(body)
    try:
        value = json.loads(body, parse_constant=_no_constant)
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _as_text(body: bytes) -> tuple[str, str]:
    """The body as text, or as base64 where it is no UTF-8 or would swell when it is written as JSON."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"
    if len(orjson.dumps(text)) > len(body) * 4 // 3 + 16:
        return base64.b64encode(body).decode(), "base64"
    return text, "utf-8"
