"""Customers: who they are, what businesses see of them, a new number, no more marketing."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, ConfigDict, ValidationError

from munshi_emulator import inbound
from munshi_emulator.control.depends import WorldIn, known_number
from munshi_emulator.inbound import CustomerMessage
from munshi_emulator.models import Digits, Person, PhoneNumber
from munshi_emulator.updates import field_update
from munshi_emulator.webhooks import Update, contact
from munshi_emulator.world import World

router = APIRouter(prefix="/persons", tags=["persons"])


class NewNumber(BaseModel):
    """A person takes a new phone number. `phone_number_ids`: which businesses hear of it; default those that
    the person has written with."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    phone: Digits
    phone_number_ids: list[str] | None = None


class Preference(BaseModel):
    """Marketing wanted or not, told to the business of a number."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    phone_number_id: str
    value: Literal["stop", "resume"]


def shown(world: World, person: Person) -> dict[str, Any]:
    """A person with the BSUID for each portfolio."""
    portfolios = sorted({number.portfolio for number in world.directory.numbers.values()})
    return {**person.model_dump(), "bsuids": {portfolio: person.bsuid(portfolio) for portfolio in portfolios}}


def _person(world: World, reference: str) -> Person:
    person = world.directory.find(reference)
    if person is None:
        raise HTTPException(404, f"nobody is called {reference}")
    return person


@router.get("")
async def list_persons(world: WorldIn, limit: int = 200) -> list[dict[str, Any]]:
    """People, at most `limit`."""
    return [shown(world, person) for person in list(world.directory.persons.values())[:limit]]


@router.get("/{person_id}")
async def get_person(world: WorldIn, person_id: str) -> dict[str, Any]:
    """One person, by id or by phone number."""
    return shown(world, _person(world, person_id))


@router.put("/{person_id}")
async def put_person(
    world: WorldIn, person_id: str, body: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """Make a person or change one; what is left out stays as it was. A changed `phone` tells nobody (use
    `/number`)."""
    known = world.directory.persons.get(person_id)
    before = known.model_dump() if known is not None else {}
    try:
        person = Person.model_validate({**before, **body, "person_id": person_id})
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from None
    await _keep(world, person)
    return shown(world, person)


async def _keep(world: World, person: Person) -> None:
    try:
        statement = world.directory.put_person(person)
    except ValueError as error:
        raise HTTPException(409, str(error)) from None
    await world.store.write(statement)


@router.post("/{person_id}/number")
async def change_number(world: WorldIn, person_id: str, change: NewNumber) -> dict[str, Any]:
    """Change the number: `system` and `user_id_update` webhooks, new BSUIDs in all portfolios."""
    old = _person(world, person_id)
    new = old.model_copy(update={"phone": change.phone, "generation": old.generation + 1})
    numbers = change.phone_number_ids
    if numbers is None:
        rows = world.store.rows("SELECT DISTINCT number FROM messages WHERE person = ?", (old.person_id,))
        numbers = [row["number"] for row in rows if row["number"] in world.directory.numbers]
    wamids = []
    for number_id in numbers:
        number = known_number(world, number_id)
        content = _change(old, new, number)
        order = CustomerMessage(
            phone_number_id=number_id, person=old.person_id, type="system", content=content
        )
        injected = inbound.inject(world, order)
        updates = [*injected.updates]
        if not old.bsuid_hidden:
            updates.append(_user_id_update(world, old, new, number))
            injected.statements.append(world.journal.insert_update(updates[-1]))
        await world.store.write(*injected.statements)
        world.deliveries.schedule(updates)
        wamids.append(injected.wamid)
    await _keep(world, new)
    return {**shown(world, new), "wamids": wamids}


def _change(old: Person, new: Person, number: PhoneNumber) -> dict[str, Any]:
    """What the message tells of the change: by numbers where the business sees them, else by ids."""
    before, after = old.bsuid(number.portfolio), new.bsuid(number.portfolio)
    if old.phone_hidden:
        body = f"User {old.name} changed from {before} to {after}"
        return {"body": body, "user_id": after, "type": "user_changed_user_id"}
    system = {
        "body": f"User {old.name} changed from {old.phone} to {new.phone}",
        "wa_id": new.phone,
        "type": "user_changed_number",
    }
    return system if old.bsuid_hidden else {**system, "user_id": after}


def _user_id_update(world: World, old: Person, new: Person, number: PhoneNumber) -> Update:
    """The webhook field that links the old BSUID with the new one."""
    entry: dict[str, Any] = {} if old.phone_hidden else {"wa_id": new.phone}
    entry["detail"] = f"User id for {old.name} has been updated."
    entry["user_id"] = {"previous": old.bsuid(number.portfolio), "current": new.bsuid(number.portfolio)}
    entry["timestamp"] = str(world.clock.stamp())
    value = {"contacts": [contact(new, number)], "user_id_update": [entry]}
    return field_update(world, number, "user_id_update", value, with_metadata=True)


@router.post("/{person_id}/preferences")
async def set_preference(world: WorldIn, person_id: str, preference: Preference) -> dict[str, str]:
    """Stop or resume marketing messages: a `user_preferences` webhook, and 131050 for marketing templates."""
    person = _person(world, person_id)
    number = known_number(world, preference.phone_number_id)
    known = contact(person, number)
    who: dict[str, Any] = {name: known[name] for name in ("wa_id", "user_id") if name in known}
    entry = {
        **who,
        "detail": f"User requested to {preference.value} marketing messages",
        "category": "marketing_messages",
        "value": preference.value,
        "timestamp": world.clock.stamp(),
    }
    statement = world.directory.set_preference(number.waba_id, person.person_id, preference.value)
    update = field_update(
        world,
        number,
        "user_preferences",
        {"contacts": [known], "user_preferences": [entry]},
        with_metadata=True,
    )
    await world.store.write(statement, world.journal.insert_update(update))
    world.deliveries.schedule([update])
    return {"value": preference.value}
