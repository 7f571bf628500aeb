"""Messages: customers' ones going in, and all of them looked at."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, HTTPException, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.responses import FileResponse

from munshi_emulator import inbound
from munshi_emulator import media as shelf
from munshi_emulator.answers import json_answer
from munshi_emulator.control.depends import WorldIn, known_number
from munshi_emulator.errors import GraphError
from munshi_emulator.inbound import CustomerMessage, UnknownNumberError
from munshi_emulator.journal import shown
from munshi_emulator.mediatypes import INBOUND_MAX, LIMITS, plain
from munshi_emulator.updates import status_update
from munshi_emulator.webhooks import Update, body
from munshi_emulator.world import World

router = APIRouter(tags=["messages"])
SHOWN_TYPES = {mime for mime, (kind, _) in LIMITS.items() if kind != "document"} | {
    "application/pdf",
    "text/plain",
}
_MANY = TypeAdapter(list[CustomerMessage])


class Filter(BaseModel):
    """Which messages. `after` is a `seq`, `after_rev` a revision; `wait` seconds at most for the first to
    come."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    after: int | None = None
    after_rev: int | None = None
    phone_number_id: str | None = None
    person: str | None = None
    direction: str | None = None
    type: str | None = None
    status: str | None = None
    callback: str | None = None
    before: int | None = None
    """Only with a smaller `seq`; with it (or `newest`) the last ones before it are given."""
    newest: bool = False
    limit: int = Field(default=1000, ge=1, le=20000)
    wait: float = Field(default=0, ge=0, le=60)


class StatusOrder(BaseModel):
    """A status webhook out of turn."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    status: str
    timestamp: int | None = None
    code: int | None = None
    """Error code of a `failed` status."""
    extra: dict[str, Any] = Field(default_factory=dict)


def _take(world: World, order: CustomerMessage) -> inbound.Injected:
    try:
        return inbound.inject(world, order)
    except UnknownNumberError as error:
        raise HTTPException(404, f"phone number {error} is not registered") from None
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


@router.post("/messages")
async def post_message(world: WorldIn, order: CustomerMessage) -> dict[str, Any]:
    """A customer sends one message. It is on disk when this answers, and delivered soon after."""
    injected = _take(world, order)
    if injected.statements:
        await world.store.write(*injected.statements)
    world.deliveries.schedule(injected.updates)
    return {"wamid": injected.wamid, "seq": injected.seq, "known": injected.known}


@router.post("/messages/bulk")
async def post_messages(world: WorldIn, request: Request) -> Response:
    """Many customers' messages: a JSON array of what `POST /control/messages` takes; all or none is taken."""
    try:
        orders = _MANY.validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(
            422, error.errors(include_url=False, include_context=False, include_input=False)
        ) from None
    for number_id in {order.phone_number_id for order in orders}:
        known_number(world, number_id)
    try:
        for reference in {order.person for order in orders}:
            inbound.check_person(world, reference)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    updates: list[Update] = []
    wamids = []
    for index, order in enumerate(orders):
        injected = _take(world, order)
        if injected.statements:
            world.store.write(*injected.statements)
        updates += injected.updates
        wamids.append(injected.wamid)
        if index % 200 == 199:
            await asyncio.sleep(0)
    await world.store.write()
    world.deliveries.schedule(updates)
    return json_answer({"wamids": wamids})


@router.post("/media")
async def post_media(
    world: WorldIn,
    phone_number_id: Annotated[str, Form()],
    file: Annotated[UploadFile, File()],
    kind: Annotated[Literal["image", "audio", "video", "document", "sticker"], Form()] = "document",
) -> dict[str, Any]:
    """A file from a customer's phone; its id goes into `content` of a message. 413 above 100 MB, which on the
    real thing arrives as error 131052."""
    known_number(world, phone_number_id)
    if (file.size or 0) > INBOUND_MAX[kind]:
        raise HTTPException(413, f"a customer's {kind} has at most {INBOUND_MAX[kind]} bytes")
    mime = file.content_type or "application/octet-stream"
    kept = await shelf.keep(world, phone_number_id, "webhook", file.file, mime, file.filename or "")
    return {"id": kept.id, "mime_type": kept.mime, "sha256": kept.sha256, "file_size": kept.size}


@router.get("/media/{media_id}")
async def get_media(world: WorldIn, media_id: str) -> Response:
    """The bytes, for the page. What a browser might run as a page of ours is given as a download."""
    media = shelf.find(world, media_id)
    if media is None:
        raise HTTPException(404, "no such media, or it is expired")
    safe = plain(media.mime) in SHOWN_TYPES
    return FileResponse(
        shelf.path_of(world, media),
        media_type=media.mime,
        filename=None if safe else (media.filename or media.id),
        headers={"X-Content-Type-Options": "nosniff"},
    )


def select(world: World, wanted: Filter) -> list[dict[str, Any]]:
    """Committed messages that fit, by `seq` (or by `rev` where `after_rev` is given)."""
    clauses, values = ["1"], []
    person = wanted.person
    if person is not None:
        found = world.directory.find(person)
        person = found.person_id if found is not None else person
    pairs = (
        ("seq > ?", wanted.after),
        ("rev > ?", wanted.after_rev),
        ("number = ?", wanted.phone_number_id),
        ("person = ?", person),
        ("direction = ?", wanted.direction),
        ("type = ?", wanted.type),
        ("status = ?", wanted.status),
        ("callback = ?", wanted.callback),
        ("seq < ?", wanted.before),
    )
    for clause, value in pairs:
        if value is not None:
            clauses.append(clause)
            values.append(value)
    backwards = wanted.newest or wanted.before is not None
    order = "rev" if wanted.after_rev is not None else ("seq DESC" if backwards else "seq")
    sql = f"SELECT * FROM messages WHERE {' AND '.join(clauses)} ORDER BY {order} LIMIT ?"  # noqa: S608 - fixed clauses
    rows = [shown(row) for row in world.store.rows(sql, (*values, wanted.limit))]
    return rows[::-1] if backwards else rows


@router.get("/messages")
async def list_messages(world: WorldIn, wanted: Annotated[Filter, Query()]) -> Response:
    """Messages in order; with `wait` a long poll. `last_seq` and `last_rev` are what to ask after next."""
    deadline = asyncio.get_running_loop().time() + wanted.wait
    event = world.store.watch()
    try:
        while True:
            event.clear()
            found = select(world, wanted)
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0 or world.stopping:
                break
            try:
                await asyncio.wait_for(event.wait(), left)
            except TimeoutError:
                continue
    finally:
        world.store.unwatch(event)
    last_seq = max((entry["seq"] for entry in found), default=wanted.after or 0)
    last_rev = max((entry["rev"] for entry in found), default=wanted.after_rev or 0)
    return json_answer({"messages": found, "last_seq": last_seq, "last_rev": last_rev})


@router.get("/messages/{wamid:path}/trace")
async def trace(world: WorldIn, wamid: str) -> Response:
    """What is behind a message: itself, its webhooks as they are posted, their attempts and times."""
    message = world.journal.find(wamid)
    if message is None:
        raise HTTPException(404, "no such message")
    rows = world.store.rows("SELECT * FROM updates WHERE wamid = ? ORDER BY id", (wamid,))
    webhooks = []
    for row in rows:
        update = Update(*(row[name] for name in Update.__slots__[:12]))
        posted = (
            body([update], world.directory.numbers) if row["number"] in world.directory.numbers else b"null"
        )
        names = ("id", "kind", "status", "state", "attempts", "last_code", "due", "first_at", "done_at")
        webhooks.append({**{name: row[name] for name in names}, "body": posted.decode()})
    reply = world.store.rows(
        "SELECT wamid, accepted_at FROM messages WHERE number = ? AND person = ? AND direction = 'out'"
        " AND seq > ? ORDER BY seq LIMIT 1",
        (message["phone_number_id"], message["person_id"], message["seq"]),
    )
    answer = dict(reply[0]) if reply and message["direction"] == "in" else None
    return json_answer({"message": message, "webhooks": webhooks, "reply": answer})


@router.post("/messages/{wamid:path}/status")
async def post_status(world: WorldIn, wamid: str, order: StatusOrder) -> dict[str, Any]:
    """Post a status of a sent message out of turn (late, early, repeated, `played`)."""
    message = world.journal.find(wamid)
    if message is None or message["direction"] != "out":
        raise HTTPException(404, "no such sent message")
    extra = dict(order.extra)
    if order.code is not None:
        extra["errors"] = [GraphError(order.code, "ordered by the control API").webhook()]
    update, statements = status_update(world, message, order.status, order.timestamp, extra)
    await world.store.write(*statements)
    world.deliveries.schedule([update])
    return {"id": update.id}
