"""The media service as the orchestrator sees it: one request, signs of life, one end.

Nothing here is certain to be there: a service that is away, silent or busy is `MediaAway`, and asked again by
whoever asks. A request that was worked on before is answered from what was stored then.
"""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic import BaseModel, Discriminator, TypeAdapter, ValidationError

from munshi.contracts.events import HEADER_TRACE
from munshi.contracts.ids import CellName
from munshi.contracts.media import MediaAnswer, MediaFailure, MediaProgress, Verb
from munshi.contracts.subjects import media
from munshi.errors import Retryable
from munshi.telemetry.spans import current_traceparent

_HEARD: TypeAdapter[MediaProgress | MediaAnswer | MediaFailure] = TypeAdapter(
    Annotated[MediaProgress | MediaAnswer | MediaFailure, Discriminator("state")]
)
_NO_RESPONDERS = "503"

Heard = Callable[[MediaProgress | None], Awaitable[None]]
"""Called with each sign of life; with `None` where a request begins."""


class MediaAway(Retryable):
    """No answer now. `reason` is a stable word: `no_service`, `silence`, or the service's own."""

    def __init__(self, reason: str, delay: float = 0.0) -> None:
        super().__init__(f"media service: {reason}", delay)
        self.reason = reason


class MediaClient:
    """Asks the media services of one cell."""

    def __init__(self, connection: Client, cell: CellName, silence_seconds: float) -> None:
        self._connection = connection
        self._cell = cell
        self._silence = silence_seconds

    async def ask(self, verb: Verb, request: BaseModel, heard: Heard | None = None) -> MediaAnswer:
        """One try of one request.

        Raises:
            MediaAway: it could not be worked on now, or nothing was heard for so long that whoever worked on
                it may be dead.
        """
        inbox = self._connection.new_inbox()
        try:
            subscription = await self._connection.subscribe(inbox)
        except NatsError as error:
            raise MediaAway("bus_away") from error
        try:
            subject = media(self._cell, verb)
            trace = current_traceparent()
            headers = {HEADER_TRACE: trace} if trace else None
            await self._connection.publish(subject, request.model_dump_json().encode(), inbox, headers)
            while True:
                said = _read(await subscription.next_msg(timeout=self._silence))
                if isinstance(said, MediaAnswer):
                    return said
                if heard is not None:
                    await heard(said)
        except TimeoutError as error:
            raise MediaAway("silence") from error
        except NatsError as error:
            raise MediaAway("bus_away") from error
        finally:
            with contextlib.suppress(NatsError):
                await subscription.unsubscribe()


def _read(message: Msg) -> MediaProgress | MediaAnswer:
    if message.headers and message.headers.get("Status") == _NO_RESPONDERS:
        raise MediaAway("no_service")
    try:
        said = _HEARD.validate_json(message.data)
    except ValidationError as error:
        raise MediaAway("unreadable_answer") from error
    if isinstance(said, MediaFailure):
        raise MediaAway(said.reason, said.retry_after)
    return said
