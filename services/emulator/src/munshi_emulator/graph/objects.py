"""Objects of the Graph API by id: phone numbers, business accounts, media."""

import zlib
from typing import Any

import aiohttp
from starlette.requests import Request
from starlette.responses import Response

from munshi_emulator import media as shelf
from munshi_emulator import templates
from munshi_emulator.answers import json_answer, json_object, refusal
from munshi_emulator.errors import GraphError
from munshi_emulator.graph.access import caller
from munshi_emulator.graph.media import describe, fault_of_url
from munshi_emulator.handshake import handshake
from munshi_emulator.models import PhoneNumber
from munshi_emulator.world import World


def missing(object_id: str) -> GraphError:
    """Meta's answer for what is not there or not yours."""
    details = f"Object with ID '{object_id}' does not exist, cannot be loaded due to missing permissions"
    return GraphError(100, details, subcode=33)


async def get_object(request: Request) -> Response:
    """`GET /{version}/{id}`: a phone number, a business account or media."""
    world: World = request.app.state.world
    object_id: str = request.path_params["object_id"]
    try:
        mine = caller(world, request)
        for number in mine:
            if object_id == number.phone_number_id:
                return json_answer(_fields(request, _phone(number)))
            if object_id == number.waba_id:
                return json_answer(_fields(request, {"id": number.waba_id, "name": number.verified_name}))
        media = shelf.find(world, object_id)
        if media is not None:
            early = await fault_of_url(world, media.number, request)
            if early is not None:
                return early
        if media is not None and media.number in {number.phone_number_id for number in mine}:
            return json_answer(describe(world, media, str(request.base_url)))
        raise missing(object_id)
    except GraphError as error:
        return refusal(error)


async def delete_object(request: Request) -> Response:
    """`DELETE /{version}/{media-id}`."""
    world: World = request.app.state.world
    object_id: str = request.path_params["object_id"]
    try:
        mine = {number.phone_number_id for number in caller(world, request)}
        media = shelf.find(world, object_id)
        if media is None or media.number not in mine:
            raise missing(object_id)
        await shelf.drop(world, media)
        return json_answer({"success": True})
    except GraphError as error:
        return refusal(error)


def _phone(number: PhoneNumber) -> dict[str, Any]:
    level = "HIGH" if number.throughput >= 1000 else "STANDARD"
    return {
        "id": number.phone_number_id,
        "verified_name": number.verified_name,
        "display_phone_number": number.display_phone_number,
        "quality_rating": number.quality_rating,
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "status": "CONNECTED",
        "name_status": "APPROVED",
        "throughput": {"level": level},
        "webhook_configuration": {"phone_number": number.webhook_url} if number.webhook_url else {},
    }


def _fields(request: Request, whole: dict[str, Any]) -> dict[str, Any]:
    """Only the fields asked for; the id always."""
    asked = request.query_params.get("fields")
    if not asked:
        return whole
    names = {name.strip() for name in asked.split(",")}
    return {name: value for name, value in whole.items() if name in names or name == "id"}


def _account(world: World, request: Request) -> tuple[str, list[PhoneNumber]]:
    """The business account of a path and the caller's numbers in it. Raises `GraphError`."""
    waba: str = request.path_params["object_id"]
    mine = [number for number in caller(world, request) if number.waba_id == waba]
    if not mine:
        raise missing(waba)
    return waba, mine


async def phone_numbers(request: Request) -> Response:
    """`GET /{version}/{waba}/phone_numbers`."""
    try:
        _, mine = _account(request.app.state.world, request)
        return json_answer({"data": [_fields(request, _phone(number)) for number in mine]})
    except GraphError as error:
        return refusal(error)


async def message_templates(request: Request) -> Response:
    """`GET /{version}/{waba}/message_templates`."""
    world: World = request.app.state.world
    try:
        waba, _ = _account(world, request)
    except GraphError as error:
        return refusal(error)
    data = [
        {
            "id": str(zlib.crc32(f"{waba}|{entry.name}|{entry.language}".encode())),
            "name": entry.name,
            "language": entry.language,
            "status": entry.status,
            "category": entry.category,
            "components": [{"type": "BODY", "text": entry.body}],
        }
        for entry in templates.listed(world.store, waba)
    ]
    return json_answer({"data": data})


async def subscribed_apps(request: Request) -> Response:
    """`GET|POST|DELETE /{version}/{waba}/subscribed_apps`; POST may override the callback after a
    handshake."""
    world: World = request.app.state.world
    try:
        waba, mine = _account(world, request)
        if request.method == "POST" and await request.body():
            body = await json_object(request)
            url, verify = body.get("override_callback_uri"), str(body.get("verify_token", ""))
            if url:
                await _override(world, mine, str(url), verify)
        if request.method != "GET":
            return json_answer({"success": True})
        apps = [
            {"whatsapp_business_api_data": {"id": waba, "name": "munshi", "link": "https://example.org/"}}
        ]
        return json_answer({"data": apps})
    except GraphError as error:
        return refusal(error)


async def _override(world: World, numbers: list[PhoneNumber], url: str, verify_token: str) -> None:
    """Point the account's webhooks to another address that proves to be the caller's."""
    try:
        good = await handshake(url, verify_token)
    except (aiohttp.ClientError, TimeoutError):
        good = False
    if not good:
        raise GraphError(2200, "Callback verification failed: the challenge did not come back", status=400)
    changed = [
        number.model_copy(update={"webhook_url": url, "verify_token": verify_token}) for number in numbers
    ]
    await world.store.write(*(world.directory.put_number(number) for number in changed))
