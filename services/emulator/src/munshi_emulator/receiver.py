"""A webhook for tests and benchmarks: checks every signature, keeps what came, answers as it is told."""

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from munshi_emulator.webhooks import signature

Json = dict[str, Any]


@dataclass
class Post:
    """One webhook as it came."""

    raw: bytes
    signed: str
    """Value of `X-Hub-Signature-256`, or empty."""
    at: float

    def changes(self) -> list[Json]:
        """All changes of all entries."""
        body = orjson.loads(self.raw)
        return [change for entry in body["entry"] for change in entry["changes"]]


@dataclass
class WebhookReceiver:
    """A server on a free port. `answer` decides the HTTP status of each POST (default 200)."""

    verify_token: str = "verify"  # noqa: S105 - a test's
    answer: Callable[[Post], int] = lambda _post: 200
    posts: list[Post] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """Address of the webhook."""
        return f"http://127.0.0.1:{self.port}/webhook"

    async def start(self) -> None:
        """Listen; on the same port again after `stop`."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_get("/webhook", self._shake)
        app.router.add_post("/webhook", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        address = self._runner.addresses[0]
        self.port = int(address[1])

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _shake(self, request: web.Request) -> web.Response:
        if request.query.get("hub.verify_token") != self.verify_token:
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])

    async def _take(self, request: web.Request) -> web.Response:
        post = Post(await request.read(), request.headers.get("X-Hub-Signature-256", ""), time.time())
        status = self.answer(post)
        async with self._changed:
            self.posts.append(post)
            self._changed.notify_all()
        return web.Response(status=status)

    def unsigned(self, secret: str) -> list[Post]:
        """Posts whose signature is not that of the secret."""
        return [
            post for post in self.posts if not hmac.compare_digest(post.signed, signature(post.raw, secret))
        ]

    def items(self, name: str) -> list[Json]:
        """All `messages`, `statuses` or `contacts` in the order in which they came."""
        values = [change["value"] for post in self.posts for change in post.changes()]
        return [item for value in values for item in value.get(name, [])]

    async def wait(self, enough: Callable[[], bool], timeout_seconds: float = 60.0) -> None:
        """Wait until `enough()`, which is asked after each POST. Raises TimeoutError."""
        async with asyncio.timeout(timeout_seconds), self._changed:
            await self._changed.wait_for(enough)

    async def wait_items(self, name: str, count: int, timeout_seconds: float = 60.0) -> list[Json]:
        """Wait for so many items of a kind."""
        await self.wait(lambda: len(self.items(name)) >= count, timeout_seconds)
        return self.items(name)
