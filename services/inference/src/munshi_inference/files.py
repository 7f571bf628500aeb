"""The bytes behind a `FileRef`, for engines that need them in hand."""

import asyncio

import httpx

from munshi.contracts.media import FileRef
from munshi.errors import Permanent, Retryable

_SECONDS = 20.0


async def bytes_of(file: FileRef) -> bytes:
    """Reads a file wherever it is.

    Raises:
        Retryable: its place does not answer.
        Permanent: it is not there (`gone`).
    """
    if file.data is not None:
        return file.data
    if file.path is not None:
        try:
            return await asyncio.to_thread(file.path.read_bytes)
        except OSError as error:
            raise Permanent(f"the file cannot be read: {error.strerror}", "gone") from error
    if file.url is None:
        raise Permanent("a file without bytes, path or URL", "gone")
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.get(file.url)
    except httpx.TransportError as error:
        raise Retryable(f"the object store is away: {type(error).__name__}") from error
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Retryable(f"the object store answered {answer.status_code}")
    if answer.status_code != 200:
        raise Permanent(f"the object store answered {answer.status_code}", "gone")
    return answer.content
