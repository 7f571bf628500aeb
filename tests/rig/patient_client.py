"""The emulator's client for tests that shake the cluster which their own way to the emulator goes through."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import aiohttp

from munshi_emulator.client import EmulatorClient, Json

PASSING = (aiohttp.ClientError, TimeoutError, OSError)
_PATIENCE_SECONDS = 120.0
Answer = TypeVar("Answer")


class PatientClient(EmulatorClient):
    """Calls again until it gets through. A message is taken once all the same: the emulator knows it by its
    key."""

    async def call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """As of the parent; EmulatorError alone is raised at once.

        Raises:
            AssertionError: the emulator cannot be reached for long.
        """
        if (method, path) == ("POST", "/messages"):
            body = {"idempotency_key": uuid.uuid4().hex, **body}
        return await _through(partial(super().call, method, path, body, params))

    async def upload(self, phone_number_id: str, data: bytes, mime_type: str, filename: str = "file") -> Json:
        """As of the parent, repeated like `call`: nobody refers to the bytes of an upload that broke."""
        return await _through(partial(super().upload, phone_number_id, data, mime_type, filename))


async def _through(call: Callable[[], Awaitable[Answer]]) -> Answer:
    error: BaseException | None = None
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                try:
                    return await call()
                except PASSING as passing:
                    error = passing
                await asyncio.sleep(0.2)
    except TimeoutError:
        message = f"the emulator cannot be reached for {_PATIENCE_SECONDS:g} s: {error!r}"
        raise AssertionError(message) from error
