"""What the API server's refusals mean for the operator: one table. Pure."""

import contextlib
from collections.abc import Mapping

import orjson

from munshi.errors import MunshiError, Permanent, Retryable
from munshi_operator.api import Conflict, Expired, Gone

_BUSY_SECONDS = 1.0
_ENDING_SECONDS = 5.0
_FORBIDDEN_SECONDS = 30.0


def refusal(status: int, body: bytes, headers: Mapping[str, str]) -> MunshiError:
    """The error of one answer of 400 or above. `body` is a Kubernetes `Status`, or anything."""
    message, reason = _said(body)
    text = f"the API server refused with {status} {reason}: {message}"
    if status == 404:
        return Gone(text)
    if status == 409 or (status == 422 and "metadata.uid" in message):
        # The second: an apply that names the uid of an object whose name another one bears by now.
        return Conflict(text, 0.1)
    if status == 410:
        return Expired(text)
    if status == 429:
        return Retryable(text, _asked(headers))
    if status == 403:
        # Rights may be given any minute, and a namespace that ends refuses all that is new in it.
        ending = "being terminated" in message
        return Retryable(text, _ENDING_SECONDS if ending else _FORBIDDEN_SECONDS)
    if status == 401 or status >= 500:
        return Retryable(text, _asked(headers))
    return Permanent(text, "ObjectRefused")


def _said(body: bytes) -> tuple[str, str]:
    with contextlib.suppress(orjson.JSONDecodeError):
        parsed = orjson.loads(body)
        if isinstance(parsed, dict):
            return str(parsed.get("message", ""))[:1000], str(parsed.get("reason", ""))
    return "", ""


def _asked(headers: Mapping[str, str]) -> float:
    """`Retry-After` in seconds."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(headers.get("Retry-After", _BUSY_SECONDS)))
    return _BUSY_SECONDS
