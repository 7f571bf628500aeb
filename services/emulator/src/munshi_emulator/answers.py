"""JSON answers and bodies, and the one place where a refusal becomes an HTTP answer."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from munshi_emulator.errors import GraphError

JSON = "application/json"


def json_answer(content: Any, status: int = 200) -> Response:
    """An answer of JSON."""
    return Response(orjson.dumps(content), status, media_type=JSON)


def refusal(error: GraphError) -> Response:
    """Meta's error body with its HTTP status."""
    return json_answer(error.body(), error.http_status())


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises `GraphError` 100."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise GraphError(100, "The body is no JSON") from None
    if not isinstance(body, dict):
        raise GraphError(100, "The body must be a JSON object")
    return body
