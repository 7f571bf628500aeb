"""What the API server's answers mean."""

import orjson
import pytest

from munshi.errors import MunshiError, Permanent, Retryable
from munshi_operator.api import Conflict, Expired, Gone
from munshi_operator.refusals import refusal


def status(message: str = "", reason: str = "") -> bytes:
    return orjson.dumps({"kind": "Status", "message": message, "reason": reason})


@pytest.mark.parametrize(
    ("code", "body", "headers", "kind", "delay"),
    [
        (404, status(), {}, Gone, None),
        (409, status(), {}, Conflict, 0.1),
        (422, status("metadata.uid: Invalid value: field is immutable"), {}, Conflict, 0.1),
        (422, status("spec.replicas: Invalid value"), {}, Permanent, None),
        (400, b"no json", {}, Permanent, None),
        (410, status(), {}, Expired, 0.0),
        (429, status(), {"Retry-After": "7"}, Retryable, 7.0),
        (429, status(), {"Retry-After": "soon"}, Retryable, 1.0),
        (403, status("namespace shops is being terminated"), {}, Retryable, 5.0),
        (403, status("no rights"), {}, Retryable, 30.0),
        (401, status(), {}, Retryable, 1.0),
        (500, b"", {}, Retryable, 1.0),
        (503, b"[1]", {"Retry-After": "3"}, Retryable, 3.0),
    ],
)
def test_each_answer_has_its_meaning(
    code: int, body: bytes, headers: dict[str, str], kind: type[MunshiError], delay: float | None
) -> None:
    error = refusal(code, body, headers)
    assert type(error) is kind
    assert getattr(error, "delay", None) == delay
