"""Signed URLs of a store that is a folder, and the route that serves them. S3 signs and serves by itself."""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import quote, urlencode

from aiohttp import web

from munshi.cells import Cell
from munshi.contracts.ids import CellName, TenantKey
from munshi.errors import Permanent, Retryable
from munshi.files.kinds import HEAD, sniff
from munshi.objects import ObjectMissing, ObjectStore

PATH = "/objects"
_SHOWN = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "audio/ogg", "audio/mpeg", "audio/wav"}
)
"""What a browser may show in place; the rest is downloaded, since a stranger made it."""
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Opened = tuple[Cell, ObjectStore]
FindCell = Callable[[CellName], Opened | None]


def signed_path(cell: Cell, tenant: TenantKey, key: str, seconds: int) -> str:
    """Path and query that open an object until then."""
    until = int(time.time()) + seconds
    path = f"{PATH}/{cell.name}/{tenant}/{quote(key)}"
    return f"{path}?{urlencode({'until': until, 'seal': _seal(cell, tenant, key, until)})}"


def _seal(cell: Cell, tenant: str, key: str, until: int) -> str:
    own = hmac.digest(cell.sealing_key, b"munshi-media/signed-urls/v1", sha256)
    return hmac.digest(own, f"{tenant}\n{key}\n{until}".encode(), sha256).hex()


def objects_route(find: FindCell) -> web.RouteDef:
    """The route: 403 for what is forged or over, 404 for what is gone."""

    async def handle(request: web.Request) -> web.StreamResponse:
        name, tenant, key = (request.match_info[part] for part in ("cell", "tenant", "key"))
        opened = find(CellName(name))
        until, seal = request.query.get("until", ""), request.query.get("seal", "")
        if opened is None or not (until.isascii() and until.isdigit() and len(until) < 12):
            return web.Response(status=403, text="not signed")
        cell, store = opened
        fits = hmac.compare_digest(_seal(cell, tenant, key, int(until)).encode(), seal.encode())
        if not fits or time.time() > int(until):
            return web.Response(status=403, text="not signed, or no longer")
        try:
            return await _answer(request, store, TenantKey(tenant), key)
        except ObjectMissing:
            return web.Response(status=404, text="gone")
        except Permanent:
            return web.Response(status=403, text="no such place")
        except Retryable:
            return web.Response(status=503, text="the object store is away")

    return web.get(PATH + "/{cell}/{tenant}/{key:.+}", handle)


async def _answer(
    request: web.Request, store: ObjectStore, tenant: TenantKey, key: str
) -> web.StreamResponse:
    objects = store.of(tenant)
    info = await objects.find(key)
    if info is None:
        raise ObjectMissing
    answer = web.StreamResponse(headers=_HEADERS)
    answer.content_length = info.size
    begun = False
    async for piece in objects.read(key):
        if not begun:
            begun = True
            answer.content_type = sniff(piece[:HEAD]) or "application/octet-stream"
            if answer.content_type not in _SHOWN:
                answer.headers["Content-Disposition"] = "attachment"
            await answer.prepare(request)
        await answer.write(piece)
    if not begun:
        await answer.prepare(request)
    await answer.write_eof()
    return answer
