"""The emulator's client for tests that shake the cluster which their own way to the emulator goes through."""

import uuid
from typing import Any

import aiohttp
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from munshi_emulator.client import EmulatorClient

_until_through = retry(
    retry=retry_if_exception_type((aiohttp.ClientError, OSError)),  # TimeoutError is one of the latter
    wait=wait_fixed(0.2),
    stop=stop_after_delay(120.0),
    reraise=True,
)


class PatientClient(EmulatorClient):
    """Calls again, for two minutes, until it gets through; EmulatorError is raised at once. Each message has
    a key, by which the emulator takes it once all the same."""

    call = _until_through(EmulatorClient.call)
    upload = _until_through(EmulatorClient.upload)

    async def send(self, **fields: Any) -> str:
        """As of the parent."""
        return await super().send(**{"idempotency_key": uuid.uuid4().hex, **fields})
