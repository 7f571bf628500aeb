"""The API server behind the port, by lightkube's configuration, credentials and HTTP client.

lightkube's typed client has neither preconditions for a deletion nor bookmarks in a watch, so the requests
are built here; who we are, TLS and the renewal of tokens stay lightkube's.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig

from munshi.errors import Retryable
from munshi_operator.api import FIELD_MANAGER, Change, Conflict, Expired, Gone, Page, Selection
from munshi_operator.kinds import Ref, ref_of
from munshi_operator.refusals import refusal
from munshi_operator.types import Manifest

PAGE = 500
"""Objects a page of a list: some MB at most, on either side."""

_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"
_SECONDS = 20.0
_SILENT_SECONDS = 90.0
"""A server sends a bookmark a minute; a stream that is silent for longer is dead."""


class LightkubeCluster:
    """`Cluster` on a real API server."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    @classmethod
    def from_environment(cls) -> "LightkubeCluster":
        """In a pod its service account; elsewhere `KUBECONFIG` or `~/.kube/config`.

        Raises:
            lightkube.core.exceptions.ConfigError: neither is there.
        """
        config = KubeConfig.from_env().get()
        if config is None:
            raise Retryable("no configuration of a cluster was found")
        return cls(AsyncClient(config, ConnectionParams(timeout=httpx2.Timeout(_SECONDS))))

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def apply(self, manifest: Manifest, subresource: str = "") -> Manifest:
        """See `Cluster`."""
        ref = ref_of(manifest)
        path = ref.kind.path(ref.namespace, ref.name) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._send("PATCH", path, query, manifest, _APPLY)

    async def delete(self, ref: Ref, uid: str) -> None:
        """See `Cluster`."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        try:
            await self._send("DELETE", ref.kind.path(ref.namespace, ref.name), {}, options, _JSON)
        except (Gone, Conflict):
            return  # gone, or another object by the same name: either way ours is no longer there

    async def get(self, ref: Ref) -> Manifest | None:
        """See `Cluster`."""
        try:
            return await self._send("GET", ref.kind.path(ref.namespace, ref.name), {})
        except Gone:
            return None

    async def create(self, manifest: Manifest) -> Manifest:
        """See `Cluster`."""
        ref = ref_of(manifest)
        query = {"fieldManager": FIELD_MANAGER}
        return await self._send("POST", ref.kind.path(ref.namespace), query, manifest, _JSON)

    async def replace(self, manifest: Manifest) -> Manifest:
        """See `Cluster`."""
        ref = ref_of(manifest)
        query = {"fieldManager": FIELD_MANAGER}
        return await self._send("PUT", ref.kind.path(ref.namespace, ref.name), query, manifest, _JSON)

    async def list(self, selection: Selection) -> AsyncIterator[Page]:
        """See `Cluster`."""
        query = {**_chosen(selection), "limit": str(PAGE)}
        while True:
            found = await self._send("GET", selection.kind.path(selection.namespace), query)
            meta = found.get("metadata", {})
            items: list[Manifest] = found.get("items") or []
            for item in items:
                item.setdefault("apiVersion", selection.kind.api_version)
                item.setdefault("kind", selection.kind.name)
            yield Page(items, meta.get("resourceVersion", ""))
            if not meta.get("continue"):
                return
            query["continue"] = meta["continue"]

    async def watch(self, selection: Selection, since: str) -> AsyncIterator[Change]:
        """See `Cluster`."""
        query = {
            **_chosen(selection),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
        }
        timeout = httpx2.Timeout(_SECONDS, read=_SILENT_SECONDS)
        path = selection.kind.path(selection.namespace)
        try:
            async with self._client.stream("GET", path, params=query, timeout=timeout) as response:
                if response.status_code >= 400:
                    raise refusal(response.status_code, await response.aread(), response.headers)
                yield Change("BOOKMARK", {"metadata": {"resourceVersion": since}})  # heard, and nothing new
                async for line in response.aiter_lines():
                    if line:
                        yield _change(orjson.loads(line))
        except (httpx2.HTTPError, OSError) as error:
            raise _away(error) from error

    async def _send(
        self, method: str, path: str, query: dict[str, str], body: Manifest | None = None, content: str = ""
    ) -> Manifest:
        headers = {"Content-Type": content} if content else None
        raw = orjson.dumps(body) if body is not None else None
        try:
            response = await self._client.request(method, path, params=query, content=raw, headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            raise _away(error) from error
        if response.status_code >= 400:
            raise refusal(response.status_code, response.content, response.headers)
        answer: Manifest = orjson.loads(response.content)
        return answer


def _chosen(selection: Selection) -> dict[str, str]:
    given = {"labelSelector": selection.labels, "fieldSelector": selection.fields}
    return {name: value for name, value in given.items() if value}


def _change(line: dict[str, Any]) -> Change:
    if line["type"] == "ERROR":
        status = line["object"]
        if status.get("code") == 410:
            raise Expired(str(status.get("message", "the version is too old")))
        raise refusal(int(status.get("code") or 500), orjson.dumps(status), {})
    return Change(line["type"], line["object"])


def _away(error: Exception) -> Retryable:
    return Retryable(f"the API server does not answer: {type(error).__name__}")
