"""A stub of the Graph API for benchmarks, as a process of its own: accepts everything at once.

`python -m bench._stub_graph PORT`. `GET /count` is how many messages were accepted, `GET /times` when each
message was: wamid of the quoted message and seconds since the epoch.
"""

import itertools
import sys
import time

import orjson
import uvloop
from aiohttp import web

_numbers = itertools.count(1)
_times: dict[str, float] = {}


async def messages(request: web.Request) -> web.Response:
    """`POST /{version}/{number}/messages`."""
    body = orjson.loads(await request.read())
    if "status" in body:  # a read receipt
        return web.json_response({"success": True})
    wamid = f"wamid.OUT{next(_numbers)}"
    _times[body.get("context", {}).get("message_id", wamid)] = time.time()
    answer = orjson.dumps({"messaging_product": "whatsapp", "messages": [{"id": wamid}]})
    return web.Response(body=answer, content_type="application/json")


async def count(_: web.Request) -> web.Response:
    """How many were accepted."""
    return web.json_response(len(_times))


async def times(_: web.Request) -> web.Response:
    """When each was accepted."""
    return web.Response(body=orjson.dumps(_times), content_type="application/json")


if __name__ == "__main__":
    uvloop.install()
    app = web.Application()
    app.add_routes(
        [
            web.post("/{version}/{number}/messages", messages),
            web.get("/count", count),
            web.get("/times", times),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
