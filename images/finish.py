"""Last steps of an image's stage, run by the image's own Python: compiles packages, imports what will run.

finish.py FOLDER [MODULE...]    exit status 1 when the Python does not fit or anything is missing
"""

import compileall
import importlib
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

PACKAGES = Path("/opt/munshi")
PYTHON = (3, 11)  # what tools/images.py chose the wheels for


def main(folder: str, modules: list[str]) -> None:
    """Runs the command line."""
    if sys.version_info[:2] != PYTHON:
        sys.exit(f"BASE_IMAGE has Python {sys.version.split()[0]}, the wheels are for 3.11")
    # Never checked against the source: the same bytes whatever the files' times are. A package may hold
    # templates that do not compile; what has to run is imported below.
    compileall.compile_dir(PACKAGES / folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    for module in modules:
        importlib.import_module(module)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
