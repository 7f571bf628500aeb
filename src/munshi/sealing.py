"""Keeps secrets and numbers: AES-256-GCM at rest, keyed hashes for look-up, and the key of a conversation.

Keys are 32 bytes. A sealed value is version byte, nonce (12 bytes), ciphertext and tag.
"""

import base64
import hashlib
import hmac
import secrets

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from munshi.contracts.ids import ConversationKey, PhoneNumberID
from munshi.contracts.tenant import Credentials
from munshi.errors import Permanent

_VERSION = b"\x01"
_NONCE = 12


class Unsealable(Permanent):
    """The key does not fit, or the bytes were changed."""

    def __init__(self) -> None:
        super().__init__("cannot unseal: wrong key, wrong owner or damaged bytes", "unsealable")


def new_key() -> str:
    """A fresh key: 32 random bytes in hex."""
    return secrets.token_hex(32)


def seal(key: bytes, plain: bytes, owner: str) -> bytes:
    """Encrypts `plain`. `owner` (a tenant key) is bound to it: under another owner it does not open."""
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, owner.encode())


def unseal(key: bytes, sealed: bytes, owner: str) -> bytes:
    """Opens what `seal` made.

    Raises:
        Unsealable: wrong key or owner, or damaged bytes.
    """
    if sealed[:1] != _VERSION:
        raise Unsealable
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], owner.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable from error


def seal_credentials(key: bytes, credentials: Credentials, owner: str) -> str:
    """A tenant's credentials for its registry entry, as base64."""
    plain = {
        name: value.get_secret_value()
        for name in Credentials.model_fields
        if (value := getattr(credentials, name)) is not None
    }
    return base64.b64encode(seal(key, orjson.dumps(plain), owner)).decode()


def unseal_credentials(key: bytes, sealed: str, owner: str) -> Credentials:
    """Opens the credentials of a registry entry.

    Raises:
        Unsealable: wrong key or owner, or damaged bytes.
    """
    return Credentials.model_validate_json(unseal(key, base64.b64decode(sealed), owner))


def lookup_hash(key: bytes, kind: str, value: str) -> bytes:
    """Keyed hash (32 bytes) by which an identity (`kind` is `bsuid` or `phone`) is found."""
    return hmac.digest(key, f"{kind}:{value}".encode(), hashlib.sha256)


def conversation_key(
    key: bytes, phone_number_id: PhoneNumberID | str, bsuid: str | None, phone: str | None
) -> ConversationKey:
    """The key of a person's conversation on a business number: the BSUID decides, else the phone.

    `key` is the tenant's lookup key (32 bytes).
    """
    identity = f"b:{bsuid}" if bsuid else f"p:{phone}"
    digest = hmac.digest(key, f"{phone_number_id}|{identity}".encode(), hashlib.sha256)
    return ConversationKey(base64.b32encode(digest[:17]).decode().lower()[:26])
