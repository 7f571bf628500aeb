"""Media of the Graph API: upload, look up, fetch, delete."""

from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from munshi_emulator import media as shelf
from munshi_emulator.answers import json_answer, refusal
from munshi_emulator.connection import cut
from munshi_emulator.errors import GraphError
from munshi_emulator.graph.access import caller, number_for
from munshi_emulator.graph.messages import before
from munshi_emulator.graph.spoilt import SPOILT, spoilt
from munshi_emulator.mediatypes import plain, problem
from munshi_emulator.world import World


async def upload(request: Request) -> Response:
    """`POST /{version}/{phone-number-id}/media`: multipart with `messaging_product`, `file`, `type`."""
    world: World = request.app.state.world
    try:
        number = number_for(world, request.path_params["number_id"], request)
        picked = world.faults.pick("media", number.phone_number_id, None)
        if picked is not None:
            fault, statement = picked
            if statement is not None:
                world.store.write(statement)
            early = await before(fault, request)
            if early is not None:
                return early
        async with request.form(max_files=1, max_part_size=4096) as form:
            kept = await _take(world, number.phone_number_id, form)
        if picked is not None and picked[0].kind == "lose_answer":
            return cut(request)
        return json_answer({"id": kept.id})
    except GraphError as error:
        return refusal(error)


async def _take(world: World, number: str, form: Any) -> shelf.Media:
    """Check and keep the file of a form. Raises `GraphError`."""
    if form.get("messaging_product") != "whatsapp":
        raise GraphError(100, "messaging_product must be 'whatsapp'")
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise GraphError(131008, "The parameter file is required")
    mime = str(form.get("type") or file.content_type or "application/octet-stream")
    head = await file.read(64)
    await file.seek(0)
    wrong = problem(mime, file.size or 0, head)
    declared = plain(file.content_type or mime)
    if wrong is None and declared not in {plain(mime), "application/octet-stream"}:
        wrong = f"the file says it is {declared}, the call says {plain(mime)}"
    if wrong is not None:
        raise GraphError(131053, wrong)
    return await shelf.keep(world, number, "upload", file.file, mime, file.filename or "")


def describe(world: World, media: shelf.Media, base_url: str) -> dict[str, Any]:
    """`GET /{media-id}`: where to fetch it, for five minutes."""
    return {
        "messaging_product": "whatsapp",
        "url": f"{base_url}whatsapp_business/attachments/?{shelf.ticket(world, media)}",
        "mime_type": media.mime,
        "sha256": media.sha256,
        "file_size": media.size,
        "id": media.id,
    }


async def fault_of_url(world: World, number: str, request: Request) -> Response | None:
    """What a rule does to the question where a file lies; None to go on. Raises `GraphError`."""
    picked = world.faults.pick("media_url", number, None)
    if picked is None:
        return None
    fault, statement = picked
    if statement is not None:
        world.store.write(statement)
    return await before(fault, request)


async def fetch(request: Request) -> Response:
    """The bytes behind a media URL: 401 without a good token, 404 when the URL is over."""
    world: World = request.app.state.world
    try:
        mine = caller(world, request)
        picked = world.faults.pick("media_bytes", mine[0].phone_number_id, None)
        if picked is not None:
            fault, statement = picked
            if statement is not None:
                world.store.write(statement)
            early = await before(fault, request)
            if early is not None:
                return early
    except GraphError as error:
        return refusal(error)
    query = request.query_params
    media = shelf.admit(world, query.get("mid", ""), query.get("ext", ""), query.get("hash", ""))
    if media is None or media.number not in {number.phone_number_id for number in mine}:
        return Response("Not found", 404, media_type="text/plain")
    if picked is not None and picked[0].kind in SPOILT:
        return spoilt(picked[0], shelf.path_of(world, media), media.mime, request)
    return FileResponse(shelf.path_of(world, media), media_type=media.mime, filename=media.filename or None)
