"""`python -m munshi_operator delete-files`: what people sent, deleted on request, on a cluster.

Runs in an operator's pod, which knows by which keys people are found and writes as `munshi_admin`. The bytes
are deleted by the tenant's own orchestrator and media service.
"""

import argparse
import sys
from collections.abc import Sequence

from munshi.contracts.ids import MessageID, TenantKey
from munshi.db.connection import open_pool
from munshi.db.erasures import ErasuresByHand
from munshi.errors import UserMistake
from munshi.provision.erasures import Asked, carried_out, deletion, left_over, planned
from munshi_operator.outside.failures import of_database
from munshi_operator.outside.opening import read_master_key
from munshi_operator.settings import OperatorSettings

_WAIT_SECONDS = 30.0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="munshi_operator delete-files",
        description="Delete the files that a person sent, or one of them, and what was read of them. Without "
        "--yes it only says what would go.",
    )
    made.add_argument("--tenant", required=True, help="namespace/name, or its key")
    whose = made.add_mutually_exclusive_group(required=True)
    whose.add_argument("--person", help="phone number with its country, or WhatsApp's user id")
    whose.add_argument("--user", type=int, help="the person's user_id in the database")
    whose.add_argument("--message", help="Meta's id of one message")
    made.add_argument("--yes", action="store_true", help="delete for good")
    return made


async def run(arguments: Sequence[str], settings: OperatorSettings) -> None:
    """Does what the command line says; prints what would go, or went.

    Raises:
        UserMistake: there is no such tenant or person; or bytes could not be deleted yet.
        MunshiError: a server is away or refuses.
    """
    options = parser().parse_args(arguments)
    asked = Asked(options.person, options.user, MessageID(options.message) if options.message else None)
    tenant = TenantKey(options.tenant.replace("/", "_", 1))
    lookup_key = bytes.fromhex(read_master_key(settings).tenant(tenant).lookup_key)
    with of_database():
        pool = await open_pool(settings.database_url.get_secret_value(), name="munshi-delete-files", size=1)
    try:
        with of_database():
            served = "SELECT EXISTS (SELECT FROM tenants WHERE tenant = $1 AND role_name IS NOT NULL)"
            if not await pool.fetchval(served, tenant):
                raise UserMistake(f"the tenant {options.tenant} is not served; apply it first")
        wanted = await deletion(ErasuresByHand(pool), tenant, lookup_key, asked)
        plan = await wanted.plan()
        if not plan.messages:
            sys.stdout.write(f"{tenant}: no message with a file is known of them\n")
            return
        sys.stdout.write(f"{tenant}: {planned(plan)}\n")
        if not options.yes:
            sys.stdout.write("nothing was deleted; --yes does it\n")
            return
        erased, waiting = await wanted.carry_out(_WAIT_SECONDS)
        sys.stdout.write(f"{carried_out(erased)}\n")
        if waiting:
            raise UserMistake(left_over(waiting))
    finally:
        await pool.close()
