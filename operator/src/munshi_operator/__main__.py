"""`python -m munshi_operator` runs the operator; with `bootstrap` it writes what NATS must trust."""

import sys

from munshi_operator.main import run, run_bootstrap

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            run()
        case ["bootstrap"]:
            run_bootstrap()
        case _:
            sys.stderr.write("usage: python -m munshi_operator [bootstrap]\n")
            sys.exit(2)
