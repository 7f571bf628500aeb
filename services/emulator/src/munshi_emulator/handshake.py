"""The GET handshake by which a webhook proves to be whose it says."""

import secrets

import aiohttp


async def handshake(url: str, verify_token: str) -> bool:
    """True if the address answers 200 with the challenge as it was sent. Raises aiohttp.ClientError,
    TimeoutError."""
    challenge = str(secrets.randbelow(10**10))
    query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url, params=query, allow_redirects=False) as answer,
    ):
        return answer.status == 200 and (await answer.text()).strip() == challenge
