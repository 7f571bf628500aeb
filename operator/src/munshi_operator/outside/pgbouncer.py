"""`python -m munshi_operator.outside.pgbouncer`: the line of `userlist.txt` with which PgBouncer asks."""

import sys

from munshi.errors import UserMistake
from munshi.provision.derived_keys import MasterKey
from munshi_operator.outside.opening import read_master_key
from munshi_operator.outside.postgres import PGBOUNCER
from munshi_operator.settings import OperatorSettings


def userlist(master: MasterKey) -> str:
    """The one line."""
    return f'"{PGBOUNCER}" "{master.pgbouncer_password()}"\n'


def main() -> int:
    """Prints it; 1 with the reason where the master key cannot be read."""
    try:
        sys.stdout.write(userlist(read_master_key(OperatorSettings())))
    except UserMistake as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
