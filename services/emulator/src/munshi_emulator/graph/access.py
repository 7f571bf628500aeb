"""Who is calling: bearer tokens, and what they may touch."""

from starlette.requests import Request

from munshi_emulator.errors import GraphError
from munshi_emulator.models import PhoneNumber
from munshi_emulator.world import World


def bearer(request: Request) -> str:
    """The access token of a call. Raises `GraphError` 190 if there is none."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    token = request.query_params.get("access_token", "")
    if not token:
        raise GraphError(190, "An access token is required to request this resource", subcode=None)
    return token


def check_token(number: PhoneNumber, token: str) -> None:
    """Raise `GraphError` unless the token is good for the number."""
    if token in number.expired_tokens:
        raise GraphError(190, "Error validating access token: the session has expired", subcode=463)
    if token not in number.access_tokens:
        raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")


def number_for(world: World, number_id: str, request: Request) -> PhoneNumber:
    """The phone number of a path, if the caller may use it. Raises `GraphError`."""
    token = bearer(request)
    number = world.directory.numbers.get(number_id)
    if number is None:
        details = f"Object with ID '{number_id}' does not exist, cannot be loaded due to missing permissions"
        raise GraphError(100, details, subcode=33)
    check_token(number, token)
    return number


def caller(world: World, request: Request) -> list[PhoneNumber]:
    """All numbers that the token is good for. Raises `GraphError` if none."""
    token = bearer(request)
    mine = [number for number in world.directory.numbers.values() if token in number.access_tokens]
    usable = [number for number in mine if token not in number.expired_tokens]
    if not usable:
        expired = any(token in number.expired_tokens for number in world.directory.numbers.values())
        details = (
            "Error validating access token: the session has expired"
            if expired
            else "Invalid OAuth access token"
        )
        raise GraphError(190, details, subcode=463 if expired else None)
    return usable
