"""Services behind OpenAI-compatible URLs: their client, and what their errors mean; the one table of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from openai import APIConnectionError, APIStatusError, AsyncOpenAI
from pydantic import SecretStr

from munshi.errors import Permanent, Retryable

_AGAIN = {401, 403, 408, 409, 429}
"""A key may be renewed, a queue may empty."""


def client(url: str, key: SecretStr, seconds: float) -> AsyncOpenAI:
    """A client whose calls take at most so long; whoever asks decides on tries."""
    return AsyncOpenAI(base_url=url, api_key=key.get_secret_value() or "none", timeout=seconds, max_retries=0)


@contextmanager
def translated(service: str, refused: str) -> Iterator[None]:
    """Turns a service's errors into ours.

    Raises:
        Retryable: it is away, slow or busy, or does not take the key.
        Permanent: it refuses what it was given; `refused` is the reason.
    """
    try:
        yield
    except APIStatusError as error:
        status = error.status_code
        if status in _AGAIN or status >= 500:
            raise Retryable(f"the {service} service answered {status}") from error
        raise Permanent(f"the {service} service refused: {status}", refused) from error
    except APIConnectionError as error:
        raise Retryable(f"the {service} service is away: {type(error).__name__}") from error
