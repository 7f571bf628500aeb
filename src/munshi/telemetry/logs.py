"""JSON logs: one object a line on standard output.

Keys: `timestamp` (RFC 3339, UTC), `level`, `event` (a stable word), `service`, and bound `tenant`,
`message_id`, `trace_id`. Never a message's text, a number, a token or a vendor's body.
"""

import contextlib
import logging
import sys
from typing import BinaryIO, cast

import orjson
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger


class _Dropping:
    """A log file where a line that cannot be written is dropped: a full disk that stops the log must not stop
    the work that it tells of."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> int:
        """Takes the line whatever becomes of it."""
        with contextlib.suppress(OSError):
            self._file.write(line)
        return len(line)

    def flush(self) -> None:
        """What does not go out now goes with a later line, or not at all."""
        with contextlib.suppress(OSError):
            self._file.flush()


def dropping(file: BinaryIO) -> BinaryIO:
    """The file, as a log that never fails."""
    return cast("BinaryIO", _Dropping(file))


def configure_logs(service: str, level: str = "info") -> None:
    """Makes structlog and the standard library's loggers write the same JSON lines."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service(service),
        _trace_id,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(dropping(sys.stdout.buffer)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(_dumps_text),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


def _service(name: str) -> structlog.typing.Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = name
        return event

    return add


def _trace_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid and "trace_id" not in event:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def _dumps(value: object, **_: object) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)


def _dumps_text(value: object, **_: object) -> str:
    return _dumps(value).decode()
