"""What ingress is measured against: two FastAPI handlers that keep nothing.

`bare` only checks the signature. `pywa` is the handler of the pywa library, with a message handler that does
nothing. Both run under the same uvicorn, loop and parser as ingress.
"""

import hmac
import importlib
import os
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request, Response

SECRET = os.environ.get("BENCH_APP_SECRET", "bench-app-secret")


def bare() -> FastAPI:
    """A FastAPI route that reads the body, checks the HMAC and answers."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    secret = SECRET.encode()

    @app.post("/webhooks/whatsapp/{tenant}")
    async def webhook(
        tenant: str, request: Request, x_hub_signature_256: Annotated[str, Header()]
    ) -> Response:
        del tenant
        body = await request.body()
        expected = "sha256=" + hmac.digest(secret, body, "sha256").hex()
        return Response(status_code=200 if hmac.compare_digest(expected, x_hub_signature_256) else 401)

    return app


def pywa() -> FastAPI:
    """The FastAPI handler that pywa registers."""
    library: Any = importlib.import_module("pywa_async")
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    client = library.WhatsApp(
        phone_id="106540352242922",
        token="unused",
        server=app,
        webhook_endpoint="/webhooks/whatsapp/bench_shop",
        verify_token="unused",
        app_secret=SECRET,
    )

    async def nothing(_: Any, message: Any) -> None:
        del message

    client.add_handlers(library.handlers.MessageHandler(nothing))
    return app
