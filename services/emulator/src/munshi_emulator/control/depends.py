"""What the control endpoints are given."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from munshi_emulator.models import PhoneNumber
from munshi_emulator.world import World


def world_of(request: Request) -> World:
    """The stand-in that serves this request."""
    world: World = request.app.state.world
    return world


WorldIn = Annotated[World, Depends(world_of)]


def known_number(world: World, number_id: str) -> PhoneNumber:
    """A registered number, or 404."""
    number = world.directory.numbers.get(number_id)
    if number is None:
        raise HTTPException(
            404, f"phone number {number_id} is not registered: PUT /control/phone-numbers/{number_id}"
        )
    return number
