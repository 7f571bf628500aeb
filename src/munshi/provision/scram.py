"""SCRAM-SHA-256 verifiers as PostgreSQL keeps them, so that no password reaches its log. Pure."""

import base64
import hashlib
import hmac

_ITERATIONS = 4096
"""PostgreSQL's own default. The passwords are 32 random bytes: more would only cost each login."""


def scram_verifier(password: str, salt: bytes) -> str:
    """What `ALTER ROLE … PASSWORD` takes and keeps as it is (RFC 5802). `password` is plain ASCII.

    The same salt gives the same verifier: PgBouncer can pass a login on only if its verifier is the server's.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
