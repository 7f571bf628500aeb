"""What the services of a cell may do within the cell's own account, as lists of what is allowed.

Between cells nothing has to be denied: each has an account, and an account sees no other. Within one, a
stolen ingress pod must not read a message, nor change the registry, nor take a stream away. Pure.
"""

import functools

from munshi.contracts.ids import CellName
from munshi.contracts.subjects import (
    dead_all,
    dead_stream,
    event_stream,
    inbound_all,
    media_all,
    registry_bucket,
)
from munshi.provision.derived_keys import ISSUED_AT, MasterKey
from munshi.provision.nats_accounts import CellUsers
from munshi.provision.nats_jwt import Identity, Permissions, creds, user_jwt


def ingress_permissions(cell: CellName) -> Permissions:
    """Publishes events and dead letters, reads the registry, hears what is sent to its own inbox."""
    return Permissions(
        allow_publish=(inbound_all(cell), dead_all(cell), *_reading_registry(cell)),
        allow_subscribe=_inbox(cell),
    )


def orchestrator_permissions(cell: CellName) -> Permissions:
    """Works events and dead letters off, asks the media service, reads the registry; makes no stream and
    takes none away."""
    streams = (event_stream(cell), dead_stream(cell))
    working = [
        f"$JS.API.{request}.{stream}{rest}"
        for stream in streams
        for request, rest in (
            ("STREAM.INFO", ""),
            ("STREAM.MSG.GET", ""),
            ("DIRECT.GET", ""),
            ("DIRECT.GET", ".>"),
            ("CONSUMER.CREATE", ""),
            ("CONSUMER.CREATE", ".>"),
            ("CONSUMER.DURABLE.CREATE", ".*"),
            ("CONSUMER.INFO", ".*"),
            ("CONSUMER.DELETE", ".*"),
            ("CONSUMER.MSG.NEXT", ".*"),
        )
    ]
    # Servers differ in what stands behind `$JS.ACK`; within the account all of it is this cell's.
    return Permissions(
        allow_publish=(*working, "$JS.ACK.>", media_all(cell), *_reading_registry(cell)),
        allow_subscribe=_inbox(cell),
    )


def media_permissions(cell: CellName) -> Permissions:
    """Takes the cell's requests for media and answers them, reads the registry; sees no event."""
    return Permissions(
        allow_publish=(*_inbox(cell), *_reading_registry(cell)),
        allow_subscribe=(*_inbox(cell), media_all(cell)),
    )


def _reading_registry(cell: CellName) -> tuple[str, ...]:
    stream = f"KV_{registry_bucket(cell)}"
    return (
        "$JS.API.STREAM.NAMES",
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}.>",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.FC.{stream}.>",
    )


def _inbox(cell: CellName) -> tuple[str, ...]:
    return (f"_INBOX_{cell}.>",)


def ingress_creds(master: MasterKey, cell: CellName) -> str:
    """Content of the `.creds` file of a cell's ingress; the same each time."""
    user = master.ingress_user(cell)
    account = Identity.from_seed(master.cell(cell).account_seed)
    jwt = user_jwt(account, user.public, f"{cell} ingress", ingress_permissions(cell), ISSUED_AT)
    return creds(jwt, user.seed)


def media_creds(master: MasterKey, cell: CellName) -> str:
    """Content of the `.creds` file of a cell's media service; the same each time."""
    user = master.media_user(cell)
    account = Identity.from_seed(master.cell(cell).account_seed)
    jwt = user_jwt(account, user.public, f"{cell} media", media_permissions(cell), ISSUED_AT)
    return creds(jwt, user.seed)


@functools.lru_cache(maxsize=2048)
def cell_creds(master: MasterKey, cell: CellName) -> CellUsers:
    """Contents of the `.creds` files of a cell's orchestrator (`services`) and of provisioning (`admin`)."""
    keys = master.cell(cell)
    account = Identity.from_seed(keys.account_seed)
    service, admin = Identity.from_seed(keys.service_seed), Identity.from_seed(keys.admin_seed)
    may = orchestrator_permissions(cell)
    return CellUsers(
        services=creds(
            user_jwt(account, service.public, f"{cell} orchestrator", may, ISSUED_AT), service.seed
        ),
        admin=creds(user_jwt(account, admin.public, f"{cell} admin", None, ISSUED_AT), admin.seed),
    )


@functools.lru_cache(maxsize=2048)
def service_users(master: MasterKey, cell: CellName) -> tuple[str, str, str]:
    """Public keys of a cell's ingress, orchestrator and media: revoked when the cell must stand still."""
    orchestrator = Identity.from_seed(master.cell(cell).service_seed)
    return master.ingress_user(cell).public, orchestrator.public, master.media_user(cell).public
