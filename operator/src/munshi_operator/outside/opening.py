"""Puts the outside together from settings."""

import contextlib
from collections.abc import AsyncIterator

from munshi.errors import UserMistake
from munshi.provision.derived_keys import MasterKey
from munshi_operator.outside.accounts import Accounts
from munshi_operator.outside.cell_bus import CellBus
from munshi_operator.outside.plan import Addresses, Planner
from munshi_operator.outside.postgres import Postgres
from munshi_operator.outside.provisioned import Provisioned
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.outside.storage import open_storage
from munshi_operator.settings import OperatorSettings


@contextlib.asynccontextmanager
async def open_outside(
    settings: OperatorSettings, outside: OutsideSettings | None = None
) -> AsyncIterator[Provisioned]:
    """The outside of the settings; connects when first asked, closes at the end.

    Raises:
        UserMistake: the master key or the object store's URL is unusable; says which and what to do.
    """
    outside = outside or OutsideSettings()
    master = read_master_key(settings)
    url = settings.database_url.get_secret_value()
    addresses = Addresses(settings.nats_url, settings.pods_database_url or url)
    made = Provisioned(
        planner=Planner(master, outside, addresses),
        accounts=Accounts(settings.nats_url, master),
        bus=CellBus(settings.nats_url, master, outside.nats_at_once),
        database=Postgres(url, outside.admin_connections),
        storage=open_storage(settings.object_store_url, outside, master),
    )
    try:
        yield made
    finally:
        await made.close()


def read_master_key(settings: OperatorSettings) -> MasterKey:
    """The key of the settings.

    Raises:
        UserMistake: it cannot be read, or is none.
    """
    try:
        return MasterKey.from_hex(settings.master_key_file.read_text())
    except OSError as error:
        raise UserMistake(f"the master key cannot be read: {error}") from error
