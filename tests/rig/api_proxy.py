"""A way to a real API server that a test can spoil: refusals, cut or silent watches, the end after a write.

It listens on loopback without TLS and asks the server as the administrator, or as a user that a test names.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import orjson
import yaml
from aiohttp import web

from rig.api_contract import way_in

_HOP_BY_HOP = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
_PASSED_ON = ("content-type", "retry-after", "x-kubernetes-pf-flowschema-uid")
_UNTOLD = {"leases", "events"}
"""Not counted as writes: they change nothing of what a tenant has."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]

    @property
    def watches(self) -> bool:
        """Whether it asks for a stream of changes."""
        return self.query.get("watch") == "true"

    @property
    def plural(self) -> str:
        """The kind that it is about, `deployments` say."""
        parts = self.path.strip("/").split("/")
        inside = parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts[2:]
        return inside[0] if inside else ""

    @property
    def writes(self) -> bool:
        """Whether it changes something of a tenant's."""
        return self.method != "GET" and self.plural not in _UNTOLD


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in place of the server's, as the server would word it."""

    status: int
    reason: str
    headers: dict[str, str] = field(default_factory=dict)
    in_stream: bool = False
    """As a line of a watch that was opened: so a server says that a version is too old."""

    def answer(self) -> web.Response:
        """As it goes over the wire."""
        body: dict[str, object] = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": self.reason,
        }
        body |= {"message": "by the test", "code": self.status}
        headers = {"Content-Type": "application/json", **self.headers}
        if self.in_stream:
            line = orjson.dumps({"type": "ERROR", "object": body}) + b"\n"
            return web.Response(body=line, headers=headers)
        return web.Response(status=self.status, body=orjson.dumps(body), headers=headers)


class Fuse:
    """Blows with the nth write that the server has done: nobody hears of it, nothing is written after."""

    def __init__(self, after: int = 1) -> None:
        self.left = after
        self.blown = asyncio.Event()
        self.turn = asyncio.Lock()
        self.last = ""
        """The write after which it blew."""

    def burn(self, asked: Asked) -> None:
        """The server has done one write."""
        self.left -= 1
        if self.left == 0:
            self.last = f"{asked.method} {asked.path}"
            self.blown.set()


@dataclass
class ApiProxy:
    """One way. Its fields may be set at any time."""

    upstream: httpx2.AsyncClient
    refuse: Callable[[Asked], Refusal | None] = lambda _: None
    """Asked before every request."""
    fuse: Fuse | None = None
    as_user: str = ""
    """Impersonated; the administrator is exempt from the server's own limits."""
    deaf: frozenset[str] = frozenset()
    """Kinds whose watches stay open and tell nothing."""
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By method and status."""
    requests: Counter[str] = field(default_factory=Counter)
    """`GET pods`, `WATCH secrets`, …"""
    url: str = ""
    _streams: set[asyncio.Event] = field(default_factory=set)

    def cut_watches(self) -> int:
        """Ends every open watch in the middle; returns how many there were."""
        for ended in list(self._streams):
            ended.set()
        return len(self._streams)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Passes one request on."""
        asked = Asked(request.method, request.path, dict(request.query))
        self.requests[f"{'WATCH' if asked.watches else asked.method} {asked.plural}"] += 1
        refused = self.refuse(asked)
        if refused is not None:
            self.answers[asked.method, refused.status] += 1
            return refused.answer()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        if self.as_user:
            headers["Impersonate-User"] = self.as_user
        if asked.watches:
            return await self._watch(request, asked, headers)
        fuse = self.fuse
        if fuse is None or not asked.writes:
            return await self._ask(request, asked, headers)
        async with fuse.turn:  # writes side by side would be done by the server before the first one's end
            answer = None if fuse.blown.is_set() else await self._ask(request, asked, headers)
            if answer is not None and answer.status < 300:
                fuse.burn(asked)
        if answer is None or fuse.blown.is_set():
            await _never(request)
        assert answer is not None
        return answer

    async def _ask(self, request: web.Request, asked: Asked, headers: dict[str, str]) -> web.Response:
        answer = await self.upstream.request(
            asked.method, asked.path, params=asked.query, content=await request.read(), headers=headers
        )
        self.answers[asked.method, answer.status_code] += 1
        return web.Response(status=answer.status_code, body=answer.content, headers=_kept(answer))

    async def _watch(self, request: web.Request, asked: Asked, headers: dict[str, str]) -> web.StreamResponse:
        timeout = httpx2.Timeout(20, read=None)
        ended = asyncio.Event()
        async with self.upstream.stream(
            "GET", asked.path, params=asked.query, headers=headers, timeout=timeout
        ) as answer:
            self.answers["WATCH", answer.status_code] += 1
            if answer.status_code >= 400:
                return web.Response(
                    status=answer.status_code, body=await answer.aread(), headers=_kept(answer)
                )
            response = web.StreamResponse(headers=_kept(answer))
            await response.prepare(request)
            self._streams.add(ended)
            relay = asyncio.create_task(self._relay(answer, response, asked.plural))
            cut = asyncio.create_task(ended.wait())
            try:
                await asyncio.wait({relay, cut}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._streams.discard(ended)
                for task in (relay, cut):
                    task.cancel()
                await asyncio.gather(relay, cut, return_exceptions=True)
                if ended.is_set() and request.transport is not None:
                    request.transport.abort()
        return response

    async def _relay(self, answer: httpx2.Response, response: web.StreamResponse, plural: str) -> None:
        with contextlib.suppress(httpx2.HTTPError, ConnectionError):
            async for chunk in answer.aiter_bytes():
                if plural not in self.deaf:
                    await response.write(chunk)


def _kept(answer: httpx2.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}


async def _never(request: web.Request) -> None:
    """No answer, until whoever asked is gone."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)
    raise ConnectionResetError


@contextlib.asynccontextmanager
async def proxy_to(kubeconfig: Path) -> AsyncIterator[ApiProxy]:
    """A proxy to the API server of a kubeconfig."""
    async with way_in(kubeconfig) as upstream:
        proxy = ApiProxy(upstream)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{rest:.*}", _unless_away(proxy.handle))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield proxy
        finally:
            proxy.cut_watches()
            await runner.cleanup()


def _unless_away(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A server that is away looks as if nobody listened here."""

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            return await handle(request)
        except (httpx2.HTTPError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable from None

    return handler


def kubeconfig_to(proxy: ApiProxy, folder: Path) -> Path:
    """A kubeconfig that leads through the proxy."""
    path = folder / "proxy.kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": proxy.url}}],
        "users": [{"name": "proxy", "user": {}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        "current-context": "proxy",
    }
    path.write_text(yaml.safe_dump(config))
    return path
