"""The check of `X-Hub-Signature-256` over the raw bytes."""

import hmac
from collections.abc import Iterable

_PREFIX = b"sha256="


def signed(body: bytes, header: bytes | None, secrets: Iterable[bytes]) -> bool:
    """Whether `header` signs `body` by one of `secrets`, compared in constant time.

    False when there is no header or no secret: a missing secret never opens a door.
    """
    if header is None or not header.startswith(_PREFIX):
        return False
    given = header[len(_PREFIX) :].lower()
    # No short cut: that the first secret fits must not be seen in the time taken.
    fits = False
    for secret in secrets:
        fits |= hmac.compare_digest(hmac.digest(secret, body, "sha256").hex().encode(), given)
    return fits
