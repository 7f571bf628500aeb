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
    """Asks the service; the length of its vectors is that of the first one."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._model = settings.embeddings_model
        self._length: int | None = None
        self._client = client(settings.embeddings_url, settings.embeddings_key, _SECONDS)

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo("embeddings", "openai", "url", model=self._model, ready=True)

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.close()

    async def embed(self, texts: tuple[str, ...], tenant: str = "") -> tuple[tuple[float, ...], ...]:
        """One vector a text, of length 1.

        Raises:
            Retryable: the service is away or busy.
            Permanent: it refuses (`embedding_refused`), or gives too few vectors or some of another length
                than before (`wrong_dimensions`): such cannot be compared.
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
        lengths = {len(row) for row in rows} | ({self._length} if self._length else set())
        if len(rows) != len(texts) or len(lengths) > 1:
            wrong = f"{len(rows)} vectors for {len(texts)} texts, of lengths {sorted(lengths)}"
            raise Permanent(f"the embeddings service gave {wrong}", "wrong_dimensions")
        self._length = max(lengths, default=None)
        return [_of_length_one(row) for row in rows]


def _of_length_one(row: list[float]) -> tuple[float, ...]:
    length = math.sqrt(sum(value * value for value in row)) or 1.0
    return tuple(value / length for value in row)
