"""The rest of what a test turns: clock, knobs, faults, deliveries, raw webhooks, counts, reset."""

import json
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from munshi_emulator.control.depends import WorldIn, known_number
from munshi_emulator.errors import CLASSES, TITLES
from munshi_emulator.models import DeliveryFaults, Fault, Knobs
from munshi_emulator.store import DATA_TABLES
from munshi_emulator.updates import field_update, raw_update
from munshi_emulator.webhooks import Update
from munshi_emulator.world import World

router = APIRouter(tags=["rig"])


class ClockOrder(BaseModel):
    """Move the clock: to an offset from the real time, or by some seconds."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    offset_seconds: float | None = None
    advance_seconds: float = 0


class FieldOrder(BaseModel):
    """A change of another field than `messages`."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    phone_number_id: str
    field: str
    value: dict[str, Any] = Field(default_factory=dict)
    with_metadata: bool = False


class RawOrder(BaseModel):
    """A body of your own, signed as usual. `body` is any JSON; `text` is posted as it is."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    phone_number_id: str
    body: Any = None
    text: str | None = None


@router.get("/clock")
async def get_clock(world: WorldIn) -> dict[str, float]:
    """The believed time (seconds since the epoch) and its offset."""
    return {"now": world.clock.now(), "offset_seconds": world.clock.offset}


@router.put("/clock")
async def put_clock(world: WorldIn, order: ClockOrder) -> dict[str, float]:
    """Move the clock."""
    start = world.clock.offset if order.offset_seconds is None else order.offset_seconds
    world.clock.offset = start + order.advance_seconds
    await world.store.write(world.save("clock", world.clock.offset))
    world.signal({"event": "clock", "offset_seconds": world.clock.offset})
    return {"now": world.clock.now(), "offset_seconds": world.clock.offset}


@router.get("/knobs")
async def get_knobs(world: WorldIn) -> Knobs:
    """Status ladder and the like."""
    return world.knobs


@router.patch("/knobs")
async def patch_knobs(world: WorldIn, body: Annotated[dict[str, Any], Body()]) -> Knobs:
    """Change some knobs; they stay over a restart."""
    try:
        world.knobs = Knobs.model_validate({**world.knobs.model_dump(), **body})
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from None
    await world.store.write(world.save("knobs", world.knobs.model_dump()))
    return world.knobs


@router.get("/error-codes")
async def error_codes() -> dict[str, Any]:
    """The codes that can be injected, and their classes."""
    titles = {str(code): title for code, (_, title) in TITLES.items()}
    return {"classes": CLASSES, "titles": titles}


@router.get("/faults")
async def list_faults(world: WorldIn) -> list[Fault]:
    """The rules in the order in which they are asked."""
    return world.faults.rules


@router.post("/faults")
async def add_fault(world: WorldIn, rule: Fault) -> list[Fault]:
    """Add a rule (or replace the one of the same id)."""
    try:
        statement = world.faults.add(rule)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    await world.store.write(statement)
    return world.faults.rules


@router.delete("/faults")
async def drop_faults(world: WorldIn) -> list[Fault]:
    """Drop all rules."""
    await world.store.write(world.faults.remove(None))
    return []


@router.delete("/faults/{rule_id}")
async def drop_fault(world: WorldIn, rule_id: str) -> list[Fault]:
    """Drop one rule."""
    await world.store.write(world.faults.remove(rule_id))
    return world.faults.rules


@router.get("/delivery")
async def get_delivery(world: WorldIn) -> dict[str, DeliveryFaults]:
    """How webhooks travel, by phone number id; `*` for all others."""
    return {"*": DeliveryFaults(), **world.deliveries.faults}


@router.patch("/delivery/{scope}")
async def patch_delivery(
    world: WorldIn, scope: str, body: Annotated[dict[str, Any], Body()]
) -> DeliveryFaults:
    """Change how webhooks of a number (or `*`) travel; `{"paused": true}` holds them back, nothing is
    lost."""
    before = world.deliveries.faults.get(scope) or world.deliveries.faults_of(scope)
    try:
        faults = DeliveryFaults.model_validate({**before.model_dump(), **body})
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from None
    kept = {**world.deliveries.faults, scope: faults}
    await world.store.write(
        world.save("delivery", {name: entry.model_dump() for name, entry in kept.items()})
    )
    world.deliveries.set_faults(scope, faults)
    return faults


@router.delete("/delivery")
async def reset_delivery(world: WorldIn) -> dict[str, bool]:
    """All webhooks travel well again."""
    await world.store.write(world.save("delivery", {}))
    world.deliveries.faults.clear()
    world.deliveries.set_faults("*", DeliveryFaults())
    return {"reset": True}


async def _deliver(world: World, update: Update) -> dict[str, int]:
    await world.store.write(world.journal.insert_update(update))
    world.deliveries.schedule([update])
    return {"id": update.id}


@router.post("/fields")
async def post_field(world: WorldIn, order: FieldOrder) -> dict[str, int]:
    """Post a change of another field (`account_update`, `message_template_status_update`, …)."""
    number = known_number(world, order.phone_number_id)
    update = field_update(world, number, order.field, order.value, with_metadata=order.with_metadata)
    return await _deliver(world, update)


@router.post("/raw")
async def post_raw(world: WorldIn, order: RawOrder) -> dict[str, int]:
    """Post a body of your own to a number's webhook."""
    number = known_number(world, order.phone_number_id)
    text = (
        order.text
        if order.text is not None
        else json.dumps(order.body, ensure_ascii=True, separators=(",", ":"))
    )
    return await _deliver(world, raw_update(world, number, text))


@router.get("/updates")
async def list_updates(
    world: WorldIn,
    after: int = 0,
    phone_number_id: str | None = None,
    state: str | None = None,
    wamid: str | None = None,
    limit: int = 1000,
) -> list[dict[str, Any]]:
    """Webhook updates with attempts and last answer (0: none)."""
    clauses, values = ["id > ?"], [str(after)]
    for clause, value in (("number = ?", phone_number_id), ("state = ?", state), ("wamid = ?", wamid)):
        if value is not None:
            clauses.append(clause)
            values.append(value)
    names = (
        "id, number AS phone_number_id, wamid, kind, field, status, due, state, attempts,"
        " last_code, first_at, done_at"
    )
    sql = f"SELECT {names} FROM updates WHERE {' AND '.join(clauses)} ORDER BY id LIMIT {limit}"  # noqa: S608 - fixed clauses
    return [dict(row) for row in world.store.rows(sql, values)]


@router.get("/refusals")
async def list_refusals(world: WorldIn, after: int = 0, limit: int = 200) -> list[dict[str, Any]]:
    """Calls of the messages endpoint that were refused, with request and answer."""
    rows = world.store.rows("SELECT * FROM refusals WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [dict(row) for row in rows]


@router.get("/waiting")
async def waiting(world: WorldIn) -> dict[str, int]:
    """How many updates are not delivered yet; cheap enough to be polled."""
    return {"waiting": world.deliveries.waiting()}


@router.get("/counts")
async def counts(world: WorldIn) -> dict[str, Any]:
    """How much of what there is."""
    messages = world.store.rows(
        "SELECT direction, status, count(*) AS n FROM messages GROUP BY direction, status"
    )
    updates = world.store.rows("SELECT kind, state, count(*) AS n FROM updates GROUP BY kind, state")
    return {
        "messages": {f"{row['direction']}.{row['status']}": row["n"] for row in messages},
        "updates": {f"{row['kind']}.{row['state']}": row["n"] for row in updates},
        "refusals": world.store.value("SELECT count(*) FROM refusals"),
        "waiting": world.deliveries.waiting(),
        "last_seq": world.store.value("SELECT coalesce(max(seq), 0) FROM messages"),
    }


@router.post("/reset")
async def reset(world: WorldIn) -> dict[str, bool]:
    """Forget people, messages, webhooks, media, faults and the clock; phone numbers and templates stay."""
    world.deliveries.forget()
    world.deliveries.faults.clear()
    world.directory.forget_people()
    world.conversations.forget()
    world.faults.rules.clear()
    world.clock.offset = 0.0
    world.knobs = Knobs()
    world.epoch = secrets.token_hex(8)
    statements = [(f"DELETE FROM {table}", ()) for table in DATA_TABLES]  # noqa: S608 - fixed names
    statements.append(("DELETE FROM meta", ()))
    await world.store.write(
        *statements,
        ("INSERT INTO meta VALUES ('rev', ?)", (str(world.journal.rev()),)),
        world.save("epoch", world.epoch),
    )
    for path in world.media_dir.iterdir():
        path.unlink(missing_ok=True)
    world.signal({"event": "reset"})
    return {"reset": True}
