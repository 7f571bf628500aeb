"""Phone numbers: registering, looking, the handshake, templates."""

from typing import Annotated, Any

import aiohttp
from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, ValidationError

from munshi_emulator import templates
from munshi_emulator.control.depends import WorldIn, known_number
from munshi_emulator.handshake import handshake
from munshi_emulator.models import PhoneNumber
from munshi_emulator.templates import Template

router = APIRouter(tags=["phone numbers"])


class Handshake(BaseModel):
    """Outcome of a GET handshake."""

    verified: bool
    detail: str = ""


@router.put("/phone-numbers/{phone_number_id}")
async def put_number(
    world: WorldIn, phone_number_id: str, body: Annotated[dict[str, Any], Body()]
) -> PhoneNumber:
    """Register a number, or replace what is known of it; doing it again changes nothing. What is left out of
    a number that is known stays as it was."""
    known = world.directory.numbers.get(phone_number_id)
    before = known.model_dump() if known is not None else {}
    try:
        number = PhoneNumber.model_validate({**before, **body, "phone_number_id": phone_number_id})
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from None
    if number != known:
        await world.store.write(world.directory.put_number(number))
    world.deliveries.hurry(phone_number_id)
    return number


@router.get("/phone-numbers")
async def list_numbers(world: WorldIn) -> list[PhoneNumber]:
    """All numbers."""
    return list(world.directory.numbers.values())


@router.get("/phone-numbers/{phone_number_id}")
async def get_number(world: WorldIn, phone_number_id: str) -> PhoneNumber:
    """One number."""
    return known_number(world, phone_number_id)


@router.delete("/phone-numbers/{phone_number_id}")
async def delete_number(world: WorldIn, phone_number_id: str) -> dict[str, bool]:
    """Forget a number; what waits for its webhook is dropped."""
    known_number(world, phone_number_id)
    statement = world.directory.drop_number(phone_number_id)
    await world.store.write(
        statement,
        ("UPDATE updates SET state = 'dropped' WHERE state = 'pending' AND number = ?", (phone_number_id,)),
    )
    world.deliveries.forget(phone_number_id)
    return {"deleted": True}


@router.post("/phone-numbers/{phone_number_id}/handshake")
async def shake(world: WorldIn, phone_number_id: str) -> Handshake:
    """Do the GET handshake with the number's webhook now."""
    number = known_number(world, phone_number_id)
    if number.webhook_url is None:
        return Handshake(verified=False, detail="the number has no webhook_url")
    try:
        good = await handshake(number.webhook_url, number.verify_token)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Handshake(verified=False, detail=f"{type(error).__name__}: {error}")
    return Handshake(verified=good, detail="" if good else "the challenge did not come back")


@router.put("/templates/{waba_id}")
async def put_template(world: WorldIn, waba_id: str, template: Template) -> Template:
    """Add or replace a message template of a business account."""
    await world.store.write(templates.put(waba_id, template))
    return template
