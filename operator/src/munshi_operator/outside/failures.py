"""What a server's refusal means for the operator, in words for people: one table for each server."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import nats.errors
import nats.js.errors

from munshi.db.errors import PASSING
from munshi.errors import Permanent, Retryable
from munshi.provision.nats_claims import AccountRefused

_AWAY_SECONDS = 2.0

_DATABASE_WORDS = {
    "42501": ("DatabaseRefused", "munshi_admin lacks a right; prepare the database again (docs/install.md)"),
    "28P01": (
        "DatabasePassword",
        "the password of munshi_admin is wrong; set it in the Secret that database.existingSecret names",
    ),
    "28000": (
        "DatabaseLogin",
        "munshi_admin may not log in; see pg_hba.conf, and docs/install.md on the role",
    ),
    "3D000": ("DatabaseMissing", "the database is not there; prepare it (docs/install.md)"),
    "42P01": ("DatabaseSchema", "the schema is missing or old; run the migrations"),
    "42883": ("DatabaseSchema", "the schema is missing or old; run the migrations"),
    "23514": ("CellMissing", "the cell is not there yet"),
    "23503": ("CellInUse", "a tenant still belongs to the cell"),
}
_NATS_WORDS = {
    10023: ("StreamNoRoom", "NATS has no resources left for the stream; give JetStream more disk"),
    10047: ("StreamNoRoom", "NATS has no disk left to reserve for the stream; raise max_file_store"),
    10002: ("StreamNoRoom", "the account's limit of disk is below what its streams reserve"),
    10026: ("ConsumerLimit", "the account has no room for another consumer"),
    10027: ("StreamLimit", "the account has no room for another stream"),
    10028: ("StreamNoRoom", "the account's limit of disk is below what its streams reserve"),
    10074: (
        "StreamReplicas",
        "NATS has fewer servers than replicas wanted; set nats.streamReplicas to what there is",
    ),
    10005: ("StreamReplicas", "too few NATS servers can hold a replica; see the servers' health"),
    10039: ("JetStreamOff", "JetStream is off for this account"),
    10076: ("JetStreamOff", "JetStream is off on the server; enable it"),
}
_NATS_PASSING = {10008, 10009, 10004, 503}
"""The cluster has no leader now, or its storage is busy."""


@contextmanager
def of_database() -> Iterator[None]:
    """Turns the driver's errors into ours.

    Raises:
        Retryable: the server is away, busy or stopping.
        Permanent: it refuses and will again; `reason` is stable.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        code = getattr(error, "sqlstate", None) or ""
        if code[:2] in PASSING:
            raise Retryable(
                f"the database cannot now ({type(error).__name__}); tried again", _AWAY_SECONDS
            ) from error
        reason, words = _DATABASE_WORDS.get(code, ("DatabaseRefused", "see the operator's log"))
        raise Permanent(f"the database refused ({code} {type(error).__name__}): {words}", reason) from error
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        said = str(error) or type(error).__name__
        raise Retryable(f"the database does not answer: {said}; tried again", _AWAY_SECONDS) from error


@contextmanager
def of_nats() -> Iterator[None]:
    """Turns the client's errors into ours.

    Raises:
        Retryable: the server is away, or has no leader.
        Permanent: it refuses and will again; `reason` is stable.
    """
    try:
        yield
    except AccountRefused as error:
        raise Permanent(str(error), "AccountRefused") from error
    except nats.js.errors.APIError as error:
        code = error.err_code or 0
        if code in _NATS_PASSING or (error.code == 503 and code not in _NATS_WORDS):
            raise Retryable(f"NATS cannot now: {error.description}; tried again", _AWAY_SECONDS) from error
        reason, words = _NATS_WORDS.get(code, ("StreamRefused", "see the operator's log"))
        raise Permanent(f"NATS refused ({code} {error.description}): {words}", reason) from error
    except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
        said = str(error) or type(error).__name__
        raise Retryable(f"NATS does not answer: {said}; tried again", _AWAY_SECONDS) from error
