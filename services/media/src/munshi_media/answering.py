"""A request on the bus: signs of life every second, then its answer. What fails is decided in one table
(`munshi_media.failing`)."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel

from munshi.contracts.events import HEADER_TRACE
from munshi.contracts.ids import CellName
from munshi.contracts.media import (
    DeleteRequest,
    MediaAnswer,
    MediaFailure,
    ReadRequest,
    SignRequest,
    UploadRequest,
    Verb,
    VoiceRequest,
)
from munshi.contracts.subjects import media
from munshi.tasks import end
from munshi.telemetry.spans import Tracing
from munshi_media.failing import BUSY, DEFECT, NotNow, outcome_of
from munshi_media.metrics import Metrics
from munshi_media.watch import Watch

_log = structlog.get_logger()

QUEUE = "media"
_LIFE_SECONDS = 1.0
_BUSY_SECONDS = 5.0
_DEFECT_SECONDS = 5.0
_TENANTS_PART = 4
"""One tenant has at most this part of what may wait, so that its flood turns nobody else away."""

REQUESTS: Mapping[Verb, type[BaseModel]] = {
    Verb.READ: ReadRequest,
    Verb.VOICE: VoiceRequest,
    Verb.UPLOAD: UploadRequest,
    Verb.SIGN: SignRequest,
    Verb.DELETE: DeleteRequest,
}

Handler = Callable[[Verb, BaseModel, Watch], Awaitable[MediaAnswer]]


class Answering:
    """Takes a cell's requests and answers them, each in a task of its own."""

    def __init__(
        self, client: Client, cell: CellName, handle: Handler, metrics: Metrics, tracing: Tracing, most: int
    ) -> None:
        """`most`: requests at work at once, a quarter of them one tenant's; beyond, who asks is told to come
        back."""
        self._client = client
        self._cell = cell
        self._handle = handle
        self._metrics = metrics
        self._tracing = tracing
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()
        self._of_tenants: Counter[str] = Counter()

    @property
    def working(self) -> int:
        """Requests at work."""
        return len(self._tasks)

    async def open(self) -> None:
        """Takes requests from now on."""
        for verb in Verb:
            await self._client.subscribe(media(self._cell, verb.value), queue=QUEUE, cb=self._take)

    async def close(self) -> None:
        """Ends all; who asked hears nothing more and asks another one."""
        await end(*self._tasks)

    async def _take(self, message: Msg) -> None:
        task = asyncio.create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg) -> None:
        began = time.monotonic()
        verb = Verb(message.subject.rpartition(".")[2])
        trace = (message.headers or {}).get(HEADER_TRACE)
        with self._tracing.span(f"media {verb.value}", [trace]):
            watch = Watch()
            life = asyncio.create_task(self._live(message, watch))
            try:
                answer = await self._work(verb, message, watch)
            finally:
                await end(life)
        self._metrics.requests.labels(verb.value, _outcome(answer)).inc()
        self._metrics.request_seconds.labels(verb.value).observe(time.monotonic() - began)
        await self._reply(message, answer)

    async def _work(self, verb: Verb, message: Msg, watch: Watch) -> MediaAnswer | MediaFailure:
        try:
            if len(self._tasks) > self._most:
                return MediaFailure(reason=BUSY, retry_after=_BUSY_SECONDS)
            request = REQUESTS[verb].model_validate_json(message.data)
            with self._counted(str(getattr(request, "tenant", ""))):
                answer = await self._handle(verb, request, watch)
            # A refusal is an answer as good as any; a log line helps who looks for it.
            if answer.refused is not None:
                _log.info("media_refused", verb=verb.value, refused=answer.refused.value, **_who(request))
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked gets an answer
            decided = outcome_of(error)
            if decided is None:
                _log.exception("media_defect", verb=verb.value)
                return MediaFailure(reason=DEFECT, retry_after=_DEFECT_SECONDS)
            if isinstance(decided, MediaFailure):
                _log.warning("media_not_now", verb=verb.value, reason=decided.reason)
            return decided
        else:
            return answer

    @contextlib.contextmanager
    def _counted(self, tenant: str) -> Iterator[None]:
        if self._of_tenants[tenant] >= max(1, self._most // _TENANTS_PART):
            raise NotNow(BUSY, "this tenant asks for too much at once", _BUSY_SECONDS)
        self._of_tenants[tenant] += 1
        try:
            yield
        finally:
            self._of_tenants[tenant] -= 1
            if not self._of_tenants[tenant]:
                del self._of_tenants[tenant]

    async def _live(self, message: Msg, watch: Watch) -> None:
        while True:
            await asyncio.sleep(_LIFE_SECONDS)
            await self._reply(message, watch.progress())

    async def _reply(self, message: Msg, what: BaseModel) -> None:
        if message.reply:
            # Who asked may be gone, or the bus; the answer is in the store and is asked for again.
            with contextlib.suppress(nats.errors.Error, OSError):
                await self._client.publish(message.reply, what.model_dump_json().encode())


def _outcome(answer: MediaAnswer | MediaFailure) -> str:
    if isinstance(answer, MediaFailure):
        return answer.reason
    return answer.refused.value if answer.refused else "done"


def _who(request: BaseModel) -> dict[str, str]:
    names = ("tenant", "message_id")
    return {name: str(getattr(request, name)) for name in names if hasattr(request, name)}
