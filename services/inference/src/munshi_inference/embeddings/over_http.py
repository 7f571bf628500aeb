"""Vectors by an OpenAI-compatible `/v1/embeddings`: vLLM with a multilingual model, or a service."""

import math

from munshi.contracts.media import EngineInfo
from munshi.errors import Permanent
from munshi.inference import InferenceSettings
from munshi_inference.services import client, translated

_SECONDS = 10.0
_AT_ONCE = 256
"""Texts of one request."""


class HttpEmbedder:
    """Asks the service; the length of its vectors is known after the first answer."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._model = settings.embeddings_model
        self._dimensions = settings.embeddings_dimensions
        self._client = client(settings.embeddings_url, settings.embeddings_key, _SECONDS)

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo("embeddings", "openai", "url", model=self._model, ready=True)

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.close()

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._dimensions

    async def embed(self, texts: tuple[str, ...], tenant: str = "") -> tuple[tuple[float, ...], ...]:
        """One vector a text, of length 1.

        Raises:
            Retryable: the service is away or busy.
            Permanent: it refuses (`embedding_refused`), or gives vectors of another length
                (`wrong_dimensions`).
        """
        del tenant
        found: list[tuple[float, ...]] = []
        for first in range(0, len(texts), _AT_ONCE):
            found += await self._some(texts[first : first + _AT_ONCE])
        return tuple(found)

    async def _some(self, texts: tuple[str, ...]) -> list[tuple[float, ...]]:
        with translated("embeddings", "embedding_refused"):
            answer = await self._client.embeddings.create(
                model=self._model, input=list(texts), encoding_format="float"
            )
        rows = [row.embedding for row in sorted(answer.data, key=lambda row: row.index)]
        if len(rows) != len(texts) or any(len(row) != self._dimensions for row in rows):
            wrong = f"{len(rows)} vectors of {len(rows[0]) if rows else 0} numbers"
            raise Permanent(f"the embeddings service gave {wrong}", "wrong_dimensions")
        return [_of_length_one(row) for row in rows]


def _of_length_one(row: list[float]) -> tuple[float, ...]:
    length = math.sqrt(sum(value * value for value in row)) or 1.0
    return tuple(value / length for value in row)
