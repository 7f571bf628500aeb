"""What is owed to browsers: fresh files, and a control API that other sites cannot turn."""

from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send


class Assets(StaticFiles):
    """The page's files, asked for anew each time (answered by 304), so that an update is seen at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """A file or a 304, never from a cache alone."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class SameSite:
    """Keeps pages of other sites in the same browser from turning the control API: it has no password."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what a browser says comes from elsewhere; programs say nothing and pass."""
        if scope["type"] == "http" and scope["path"].startswith("/control"):
            site = dict(scope["headers"]).get(b"sec-fetch-site", b"none")
            if site not in {b"none", b"same-origin"}:
                await PlainTextResponse("the control API takes no calls from other sites", 403)(
                    scope, receive, send
                )
                return
        await self.app(scope, receive, send)
