"""What goes over the wire between the client engines and Triton's models: JSON rows in tensors of strings.

A request is a row of `REQUEST`, of a file also one of `DATA` (its bytes; empty where it is a path or a URL).
The result is a row of `RESULT`: `{"ok": …}` with a model of the contracts, or `{"error": …}`: an error is
data with a stable word, since what is raised in a model reaches the client with a traceback.
"""

from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from munshi.contracts.media import FileRef, ReadHints, Refusal
from munshi.contracts.understanding import Understanding
from munshi.errors import Permanent, Retryable
from munshi.files.kinds import FileRefused

REQUEST, DATA, RESULT = "REQUEST", "DATA", "RESULT"
"""Names of the tensors."""
T = TypeVar("T")

BAD_REQUEST = "bad_request"
FAILED = "engine_failed"
OUT_OF_MEMORY = "out_of_memory"
FORBIDDEN_PATH = "forbidden_path"
BROKEN = frozenset({FAILED, OUT_OF_MEMORY})
"""Words that say that the engine there is at fault: another may do better."""


_REFUSALS = frozenset(Refusal)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FileAsked(_Frozen):
    """Row of `REQUEST` of a model that reads files."""

    mime_type: str
    path: Path | None = None
    """Within the folder that Triton was given; only where it shares it with the client."""
    url: str | None = None
    languages: tuple[str, ...] = ("en",)
    currency: str = "INR"
    today: date | None = None
    seconds: float = 60.0
    """What is left of the deadline."""
    tenant: str = ""

    def hints(self) -> ReadHints:
        """As the engine takes them."""
        return ReadHints(self.languages, self.currency, self.today, self.seconds, self.tenant)


class TextsAsked(_Frozen):
    """Row of `REQUEST` of the model that makes vectors."""

    texts: tuple[str, ...]
    tenant: str = ""


class Vectors(_Frozen):
    """What comes back for it. `model` names the space."""

    model: str
    vectors: tuple[tuple[float, ...], ...]


class Trouble(_Frozen):
    """An error as data."""

    word: str
    again: bool = False
    """Whether it may go well later."""
    delay: float = 0.0
    """Seconds until then, at least; 0: whoever asks decides."""

    def raised(self, model: str) -> Exception:
        """The house's error for it."""
        message = f"{model}: {self.word}"
        if self.word in _REFUSALS:
            return FileRefused(Refusal(self.word), message)
        return Retryable(message, self.delay) if self.again else Permanent(message, self.word)


class Answer(_Frozen, Generic[T]):
    """A row of `RESULT`."""

    ok: T | None = None
    error: Trouble | None = None
    masked: str | None = None
    """Beside an `Understanding`, which leaves it out of its JSON."""


def file_row(file: FileRef, hints: ReadHints) -> bytes:
    """The row that asks for a file to be read."""
    asked = FileAsked(
        mime_type=file.mime_type,
        path=file.path,
        url=file.url,
        languages=hints.languages,
        currency=hints.currency,
        today=hints.today,
        seconds=hints.seconds,
        tenant=hints.tenant,
    )
    return asked.model_dump_json(exclude_none=True).encode()


def ok_row(result: BaseModel) -> bytes:
    """The row of a result."""
    if isinstance(result, Understanding) and result.masked is not None:
        return Answer[Understanding](ok=result, masked=result.masked).model_dump_json().encode()
    # As `model_dump_json` does, but for its text between.
    return b'{"ok":' + result.__pydantic_serializer__.to_json(result) + b"}"


def error_row(trouble: Trouble) -> bytes:
    """The row of an error."""
    return b'{"error":' + trouble.model_dump_json().encode() + b"}"


def trouble_of(error: BaseException) -> Trouble:
    """Any error as data."""
    if isinstance(error, Permanent):
        return Trouble(word=error.reason)
    if isinstance(error, ValidationError):
        return Trouble(word=BAD_REQUEST)
    if isinstance(error, Retryable):
        return Trouble(word="busy", again=True, delay=error.delay)
    if isinstance(error, MemoryError):
        return Trouble(word=OUT_OF_MEMORY, again=True, delay=1.0)
    return Trouble(word=FAILED, again=True)
