"""The throughput of a business number, shared by all workers: slots are reserved in blocks in the
database."""

import asyncio
from dataclasses import dataclass, field

from munshi.contracts.ids import PhoneNumberID, TenantKey
from munshi.db.outbox import Outbox

_BLOCK_SECONDS = 0.2
"""Length of a block: so much of the rate is taken at once. At 80/s one round trip serves 16 messages; slots
that lie unused add no more than this to what may leave at once."""


@dataclass(slots=True)
class _Slots:
    """What is left of the last block. Below nought: spent ahead, and taken out of the next."""

    left: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class NumberRates:
    """Slots of all numbers that this worker sends or receives on."""

    def __init__(self, outbox: Outbox, per_second: float) -> None:
        self._outbox = outbox
        self._per_second = per_second
        self._slots: dict[tuple[TenantKey, PhoneNumberID], _Slots] = {}

    def received(self, tenant: TenantKey, number: PhoneNumberID, messages: int = 1) -> None:
        """Counts what came in: Meta's limit is for both directions together."""
        self._of(tenant, number).left -= messages

    async def slot(self, tenant: TenantKey, number: PhoneNumberID) -> None:
        """Waits for a slot to send. First come, first served.

        Raises:
            Retryable: the database is away.
        """
        slots = self._of(tenant, number)
        if slots.left > 0 and not slots.turn.locked():
            slots.left -= 1
            return
        async with slots.turn:
            if slots.left <= 0:
                block = max(1, int(self._per_second * _BLOCK_SECONDS))
                wanted = block - slots.left
                reserved = await self._outbox.reserve_number(tenant, number, wanted, self._per_second)
                await asyncio.sleep(max(0.0, reserved.seconds))
                slots.left += wanted
            slots.left -= 1

    def _of(self, tenant: TenantKey, number: PhoneNumberID) -> _Slots:
        return self._slots.setdefault((tenant, number), _Slots())
