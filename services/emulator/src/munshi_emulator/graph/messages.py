"""`POST /{version}/{phone-number-id}/messages`: send, mark as read, show typing."""

import asyncio
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from munshi_emulator import sending, templates, validation
from munshi_emulator.answers import json_answer, json_object, refusal
from munshi_emulator.connection import cut, never_answer
from munshi_emulator.errors import GraphError
from munshi_emulator.faults import error_of
from munshi_emulator.graph.access import number_for
from munshi_emulator.ladder import Send
from munshi_emulator.media import check_outbound
from munshi_emulator.models import Fault, PhoneNumber
from munshi_emulator.world import World

REFUSED = "INSERT INTO refusals (number, at, status, code, request, answer) VALUES (?, ?, ?, ?, ?, ?)"


async def post_message(request: Request) -> Response:
    """The whole call: who, may it fail, is it right, take it, answer."""
    world: World = request.app.state.world
    number_id: str = request.path_params["number_id"]
    raw = await request.body()
    try:
        number = number_for(world, number_id, request)
        body = await json_object(request)
        return await _answer(world, number, body, request)
    except GraphError as error:
        world.metrics.sends.labels(code=str(error.code)).inc()
        answer = refusal(error)
        text = raw.decode("utf-8", "replace")
        values = (
            number_id,
            world.clock.now(),
            answer.status_code,
            error.code,
            text,
            bytes(answer.body).decode(),
        )
        await world.store.write((REFUSED, values))
        return answer


async def _answer(world: World, number: PhoneNumber, body: dict[str, Any], request: Request) -> Response:
    """Take the message unless a fault says otherwise. Raises `GraphError`."""
    picked = world.faults.pick("messages", number.phone_number_id, body)
    fault = None
    if picked is not None:
        fault, statement = picked
        if statement is not None:
            world.store.write(statement)
        early = await before(fault, request)
        if early is not None:
            return early
    validation.check(body)
    if "status" in body:
        statements = sending.mark_read(world, number, body)
        if statements:
            await world.store.write(*statements)
        return json_answer({"success": True})
    check_outbound(world, number, body)
    fail = error_of(fault) if fault is not None and fault.kind == "status" else None
    template = None
    if body.get("type") == "template":
        template = templates.wanted(world.store, number.waba_id, body["template"])
    text = orjson.dumps(body).decode()
    accepted = sending.accept(world, Send(number, body, text, world.clock.now(), template, fail))
    await world.store.write(*accepted.statements)
    world.deliveries.schedule(accepted.updates)
    world.metrics.sends.labels(code="200").inc()
    if fault is not None and fault.kind == "timeout":
        return await never_answer(request, world.settings.silence_seconds)
    if fault is not None and fault.kind == "lose_answer":
        return cut(request)
    return json_answer(accepted.answer)


async def before(fault: Fault, request: Request) -> Response | None:
    """What a fault does before the call is looked at; None to go on. Raises `GraphError` for `error`."""
    if fault.kind == "error":
        raise error_of(fault)
    if fault.kind == "reset":
        return cut(request, reset=True)
    if fault.kind == "http":
        return Response("upstream failure", fault.http_status, media_type="text/plain")
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
    return None
