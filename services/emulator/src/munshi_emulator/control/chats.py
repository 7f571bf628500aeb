"""What a customer's phone shows: one chat for each business."""

import json
import time
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict

from munshi_emulator.control.depends import WorldIn, known_number
from munshi_emulator.journal import shown
from munshi_emulator.webhooks import encode

router = APIRouter(prefix="/chats", tags=["chats"])


class Seen(BaseModel):
    """A chat that is open before somebody's eyes."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    phone_number_id: str
    person: str


@router.get("")
async def list_chats(world: WorldIn, person: str) -> list[dict[str, Any]]:
    """A chat for each business: last message, unread count, the window's end (by the movable clock)."""
    found = world.directory.find(person)
    if found is None:
        raise HTTPException(404, f"nobody is called {person}")
    chats = []
    for number in world.directory.numbers.values():
        key = (number.phone_number_id, found.person_id)
        last = world.store.rows(
            "SELECT * FROM messages WHERE number = ? AND person = ? ORDER BY seq DESC LIMIT 1", key
        )
        unread = world.store.value(
            "SELECT count(*) FROM messages WHERE number = ? AND person = ? AND direction = 'out'"
            " AND type <> 'reaction' AND status IN ('accepted', 'sent', 'delivered')",
            key,
        )
        pair = world.conversations.pairs.get(key)
        chats.append(
            {
                "phone_number_id": number.phone_number_id,
                "verified_name": number.verified_name,
                "display_phone_number": number.display_phone_number,
                "about": number.about,
                "starters": number.starters,
                "portfolio": number.portfolio,
                "last": shown(last[0]) if last else None,
                "unread": unread,
                "window_until": pair.window_until() if pair is not None else 0,
            }
        )
    return chats


@router.post("/seen")
async def seen(world: WorldIn, place: Seen) -> dict[str, int]:
    """The chat is open: what was held for reading becomes `read`."""
    known_number(world, place.phone_number_id)
    found = world.directory.find(place.person)
    if found is None:
        raise HTTPException(404, f"nobody is called {place.person}")
    rows = world.store.rows(
        "SELECT DISTINCT u.wamid FROM updates u JOIN messages m ON m.wamid = u.wamid"
        " WHERE u.state = 'pending' AND u.due IS NULL AND m.number = ? AND m.person = ?",
        (place.phone_number_id, found.person_id),
    )
    statements = []
    for row in rows:
        statements += world.deliveries.release(row["wamid"], time.time() + 0.3, _stamp(world.clock.stamp()))
    if statements:
        await world.store.write(*statements)
    return {"read": len(rows)}


def _stamp(now: int) -> Callable[[str], str]:
    """Puts the time of reading into a held status."""

    def stamped(item: str) -> str:
        return encode({**json.loads(item), "timestamp": str(now)})

    return stamped
