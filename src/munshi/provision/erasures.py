"""Files deleted on request, by a person's hand: whose are meant, what would go, and what went."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Literal

from munshi.contracts.ids import MessageID, TenantKey
from munshi.db.erasures import Erased, ErasuresByHand, Plan
from munshi.errors import UserMistake
from munshi.sealing import lookup_hash

_BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_PHONE = re.compile(r"[1-9][0-9]{5,14}")
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose files; exactly one is set."""

    person: str | None = None
    """A phone number with its country, or WhatsApp's own user id (`IN.…`)."""
    user: int | None = None
    """The person's number in the database: `user_id` of the books."""
    message: MessageID | None = None
    """Meta's id of one message."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One request, its person found."""

    store: ErasuresByHand
    tenant: TenantKey
    user: int | None
    message: MessageID | None

    async def plan(self) -> Plan:
        """What would go; changes nothing."""
        return await self.store.plan(self.tenant, self.user, self.message)

    async def carry_out(self, seconds: float) -> tuple[Erased, int]:
        """Deletes, and waits so long for the bytes. Gives back what went, and of how many messages the bytes
        are still to be deleted: they will be, once the media service answers."""
        erased = await self.store.erase(self.tenant, self.user, self.message)
        deadline = time.monotonic() + seconds
        while waiting := await self.store.waiting(self.tenant, erased.ids):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        return erased, waiting


async def deletion(store: ErasuresByHand, tenant: TenantKey, lookup_key: bytes, asked: Asked) -> Deletion:
    """Finds whose files are meant; `lookup_key` is the tenant's.

    Raises:
        UserMistake: nobody is known by that number or id.
    """
    user = asked.user
    if asked.person is not None:
        kind, value = _identity(asked.person)
        user = await store.person(tenant, kind, lookup_hash(lookup_key, kind, value))
        if user is None:
            raise UserMistake(f"nobody has written to {tenant} by this number or id")
    elif user is not None and not await store.knows(tenant, user):
        raise UserMistake(f"{tenant} has no user {user}")
    return Deletion(store, tenant, user, asked.message)


def _identity(person: str) -> tuple[Literal["bsuid", "phone"], str]:
    if _BSUID.fullmatch(person):
        return "bsuid", person
    digits = re.sub(r"[\s()+.-]", "", person)
    if not _PHONE.fullmatch(digits):
        raise UserMistake(
            f"{person!r} is no phone number with its country (+91 98200 00001) and no user id of WhatsApp "
            "(IN.…)"
        )
    return "phone", digits


def planned(plan: Plan) -> str:
    """What would go, in words."""
    return (
        f"{_count(plan.files, 'file')} ({_size(plan.bytes)}) of {_count(len(plan.messages), 'message')}, "
        f"what was read of {plan.readings}, what was written with them and answered to them; "
        f"entries of the books made of them stay: {plan.entries}"
    )


def carried_out(erased: Erased) -> str:
    """What went, in words."""
    return (
        f"deleted the files of {_count(erased.messages, 'message')}: what was read of {erased.readings}, "
        f"{_count(erased.answers, 'answer')}, {_count(erased.facts, 'remembered fact')}, "
        f"{_count(erased.letters, 'dead letter')}; the books stay"
    )


def left_over(waiting: int) -> str:
    """That bytes are still there, in words."""
    return (
        f"the bytes of {_count(waiting, 'message')} are still there: the media service has not answered, or "
        "an answer is still on its way; they are deleted as soon as it has"
    )


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size / 1000:.1f} kB"
