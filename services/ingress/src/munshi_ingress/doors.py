"""What each webhook path is verified with, and Meta's handshake on it. Pure."""

import hmac
from typing import NamedTuple
from urllib.parse import parse_qs

from munshi.tenants import Tenant
from munshi_ingress import answers
from munshi_ingress.answers import Answer
from munshi_ingress.settings import IngressSettings

PATH = "/webhooks/whatsapp"

_MAX_CHALLENGE = 1024
_MAX_QUERY = 8192


class Door(NamedTuple):
    """A tenant's own path, or the platform's (`tenant` is `None`)."""

    tenant: Tenant | None
    secrets: tuple[bytes, ...]
    verify_token: bytes

    def __repr__(self) -> str:
        """The name alone: secrets are in none of our lines."""
        return f"Door({self.name})"

    @property
    def name(self) -> str:
        """For logs."""
        return self.tenant.key if self.tenant else "platform"


def tenant_door(tenant: Tenant) -> Door:
    """The door of a tenant's path, with its credentials of this moment."""
    return Door(tenant, tenant.app_secrets, tenant.verify_token)


def platform_door(settings: IngressSettings) -> Door | None:
    """The platform's door; `None` where it has no app of its own."""
    given = (settings.platform_app_secret, settings.platform_app_secret_previous)
    secrets = tuple(s.get_secret_value().encode() for s in given if s and s.get_secret_value())
    if not secrets:
        return None
    token = settings.platform_verify_token
    return Door(None, secrets, token.get_secret_value().encode() if token else b"")


def handshake(query: bytes, door: Door) -> Answer:
    """Meta's GET: the challenge is echoed where mode and token are right, in constant time."""
    if len(query) > _MAX_QUERY:
        return answers.FORBIDDEN
    fields = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    mode, token, challenge = (fields.get(f"hub.{name}", [""])[0] for name in _FIELDS)
    fits = hmac.compare_digest(token.encode("utf-8", "replace"), door.verify_token)
    if not (fits and door.verify_token and mode == "subscribe" and 0 < len(challenge) <= _MAX_CHALLENGE):
        return answers.FORBIDDEN
    return answers.challenge(challenge)


_FIELDS = ("mode", "verify_token", "challenge")
