"""The node loses its power in the middle of a conversation."""

import asyncio

from rig.installed import Installed, Shops
from rig.talk import Talk


async def test_messages_from_before_a_power_cut_are_answered(installed: Installed, shops: Shops) -> None:
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), people=10)
        await talk.wave()
        await talk.wave()
    await asyncio.to_thread(installed.cut_power)
    await asyncio.to_thread(installed.until_ready, shops.namespace)
    async with installed.emulator() as talk.meta:
        await talk.others_write_until(lambda: installed.unknown_sends() == 0)
        await talk.wave()
        await talk.answered()
