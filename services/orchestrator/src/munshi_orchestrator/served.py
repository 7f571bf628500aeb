"""`/served/{tenant}`: which generation of a tenant this worker works for."""

from collections.abc import Callable

from aiohttp import web


def served_route(generation_of: Callable[[str], int | None]) -> web.RouteDef:
    """The route: the generation by the tenant's key, 404 for one that is not served."""

    async def handle(request: web.Request) -> web.Response:
        generation = generation_of(request.match_info["tenant"])
        return web.json_response({"generation": generation}, status=404 if generation is None else 200)

    return web.get("/served/{tenant}", handle)
