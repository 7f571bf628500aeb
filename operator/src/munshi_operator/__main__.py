"""`python -m munshi_operator` runs the operator.

With `bootstrap` it writes what NATS must trust; `dead-letters` and `delete-files` are for a person, in a pod
of the operator.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from munshi.errors import MunshiError
from munshi_operator import dead_letters, delete_files
from munshi_operator.main import run, run_bootstrap
from munshi_operator.settings import OperatorSettings


def by_hand(
    command: Callable[[Sequence[str], OperatorSettings], Awaitable[None]], arguments: Sequence[str]
) -> int:
    """Runs a person's command. Exit status: 0 done, 1 failed; a wrong use ends with 2 by itself."""

    async def carried_out() -> None:
        await command(arguments, OperatorSettings())

    try:
        asyncio.run(carried_out())
    except MunshiError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            run()
        case ["bootstrap"]:
            run_bootstrap()
        case ["dead-letters", *arguments]:
            sys.exit(by_hand(dead_letters.run, arguments))
        case ["delete-files", *arguments]:
            sys.exit(by_hand(delete_files.run, arguments))
        case _:
            sys.stderr.write(
                "usage: python -m munshi_operator [bootstrap | dead-letters … | delete-files …]\n"
            )
            sys.exit(2)
