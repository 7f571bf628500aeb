"""The webhook's door: a plain ASGI app, since every request pays for what stands here.

verify over the raw bytes -> sort -> publish, all acknowledgements awaited together -> 200. Anything not kept
is answered 503, and Meta comes again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter
from typing import Any

import structlog
from opentelemetry import trace

from munshi.bus.errors import BusAway
from munshi.bus.publisher import Publisher
from munshi.contracts.ids import CellName
from munshi.errors import MunshiError
from munshi.tenants import TenantDirectory
from munshi_ingress import answers
from munshi_ingress.answers import Answer
from munshi_ingress.doors import PATH, Door, handshake, platform_door, tenant_door
from munshi_ingress.intake import Admission, Body, BusyError, HungUpError, Receive, TooLargeError
from munshi_ingress.lines import Lines
from munshi_ingress.metrics import Metrics
from munshi_ingress.occasional import OccasionalLog
from munshi_ingress.settings import IngressSettings
from munshi_ingress.signature import signed
from munshi_ingress.sorting import Owners, Sorted, Sorter, owned_by, owned_in
from munshi_ingress.tracing import Traces, trace_id_of

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_OF_INTAKE: dict[type[Exception], Answer | None] = {
    BusyError: answers.BUSY,
    TimeoutError: answers.TOO_SLOW,
    HungUpError: None,
}


class Webhooks:
    """Answers `GET|POST /webhooks/whatsapp[/{tenant}]`."""

    def __init__(
        self, settings: IngressSettings, directory: TenantDirectory, lines: Lines, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._lines = lines
        self._metrics = metrics
        self._traces = Traces(trace.get_tracer_provider())
        self._log = OccasionalLog(structlog.get_logger())
        self._platform = platform_door(settings)
        self.admission = Admission(settings.max_requests, settings.max_waiting_bytes)
        self.draining = False
        """Set while the service stops: each answer then closes its connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        self.admission.requests += 1
        try:
            answer = await self._answer(scope, receive)
            if answer is None:
                return
            await send(answer.closing if self.draining else answer.start)
            await send(answer.end)
        finally:
            self.admission.requests -= 1
        self._metrics.requests[answer.outcome] += 1
        self._metrics.request_seconds.add(perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        """`None`: the sender hung up, there is nobody to answer."""
        door = self._door(scope["path"])
        if isinstance(door, Answer):
            return door
        method = scope["method"]
        if method == "POST":
            return await self._post(scope, receive, door)
        return handshake(scope["query_string"], door) if method == "GET" else answers.WRONG_METHOD

    def _door(self, path: str) -> Door | Answer:
        key = path[len(PATH) + 1 :]
        if not key:
            return self._platform if self._platform and path == PATH else answers.UNKNOWN_TENANT
        tenant = self._directory.get(key)
        if tenant is not None:
            return tenant_door(tenant)
        return answers.UNKNOWN_TENANT if self._lines.known else answers.STARTING

    async def _post(self, scope: Scope, receive: Receive, door: Door) -> Answer | None:
        signature, length, traceparent = _headers(scope["headers"])
        body = Body(receive, length, self.admission, self._settings.max_body_bytes)
        try:
            refused = self._refusal(door)
            if refused is not None:
                return refused
            content = await body.read(self._settings.body_seconds)
            if not signed(content, signature, door.secrets):
                self._log.warning("signature_wrong", tenant=door.name)
                return answers.UNSIGNED
            return await self._keep(content, door, traceparent)
        except TooLargeError:
            await body.discard(self._settings.body_seconds, 2 * self._settings.max_body_bytes)
            return answers.TOO_LARGE
        except (BusyError, HungUpError, TimeoutError) as error:
            return _OF_INTAKE[type(error)]
        finally:
            self.admission.free(body.taken)

    def _refusal(self, door: Door) -> Answer | None:
        """Why a request is answered 503 before its body is read; `None`: it is not."""
        if self.admission.overfull:
            return answers.BUSY
        if door.tenant is None:
            return None if self._directory.known_cells else answers.STARTING
        line = self._lines.open.get(door.tenant.cell)
        return None if line is not None and line.connection.up else answers.BUS_AWAY

    async def _keep(self, content: bytes, door: Door, header: bytes | None) -> Answer:
        traceparent, span = self._traces.begin(header)
        answer, count = answers.FAILED, 0
        try:
            owners = owned_by(door.tenant, self._directory) if door.tenant else self._platform_owners()
            result = Sorter(self._lines.partitions, door.tenant, traceparent).sort(content, owners)
            count = sum(map(len, result.outgoing.values()))
            await self._publish(result)
            answer = self._kept(result, door, traceparent)
        except MunshiError as error:
            answer = answers.OF_ERROR.get(type(error), answers.FAILED)
            about = {"tenant": door.name, "trace_id": trace_id_of(traceparent)}
            self._log.warning("webhook_not_kept", reason=answer.outcome, detail=str(error), **about)
        except Exception as error:  # noqa: BLE001 - logged; a defect of ours must not lose a webhook
            about = {"tenant": door.name, "trace_id": trace_id_of(traceparent)}
            self._log.error("webhook_failed", exc_info=error, **about)
        finally:
            self._traces.end(span, answer, count)
        return answer

    def _platform_owners(self) -> Owners:
        return owned_in(self._directory, complete=self._lines.known)

    async def _publish(self, result: Sorted) -> None:
        began = perf_counter()
        if len(result.outgoing) == 1:
            ((cell, messages),) = result.outgoing.items()
            await self._publisher(cell).publish(messages)
        else:
            ways = [(self._publisher(cell), messages) for cell, messages in result.outgoing.items()]
            tries = (publisher.publish(messages) for publisher, messages in ways)
            _raise_first(await asyncio.gather(*tries, return_exceptions=True))
        self._metrics.publish_seconds.add(perf_counter() - began)

    def _publisher(self, cell: CellName) -> Publisher:
        line = self._lines.open.get(cell)
        if line is None:
            raise BusAway("the bus is not connected")
        return line.publisher

    def _kept(self, result: Sorted, door: Door, traceparent: str) -> Answer:
        for kind, count in result.kinds.items():
            self._metrics.events[kind] += count
        if not result.dead:
            return answers.KEPT
        self._metrics.dead_letters.update(result.dead)
        trace_id = trace_id_of(traceparent)
        self._log.warning("dead_letter", tenant=door.name, trace_id=trace_id, reasons=result.dead)
        return answers.KEPT if result.kinds else answers.DEAD_LETTER


def _raise_first(results: Iterable[object]) -> None:
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, int, bytes | None]:
    """Signature, content length (0 where absent or no number) and `traceparent`."""
    signature = traceparent = None
    length = 0
    for name, value in headers:
        if name == b"x-hub-signature-256":
            signature = value
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"traceparent":
            traceparent = value
    return signature, length, traceparent
