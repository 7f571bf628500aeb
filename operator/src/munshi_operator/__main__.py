"""`python -m munshi_operator` runs the operator.

With `bootstrap` it writes what NATS must trust; `dead-letters` and `delete-files` are for a person, in a pod
of the operator.
"""

import sys

from munshi_operator import dead_letters, delete_files
from munshi_operator.main import run, run_bootstrap

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            run()
        case ["bootstrap"]:
            run_bootstrap()
        case ["dead-letters", *arguments]:
            sys.exit(dead_letters.main(arguments))
        case ["delete-files", *arguments]:
            sys.exit(delete_files.main(arguments))
        case _:
            sys.stderr.write(
                "usage: python -m munshi_operator [bootstrap | dead-letters … | delete-files …]\n"
            )
            sys.exit(2)
