"""Options that commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from munshi.embedded.data_folder import DataFolder

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="MUNSHI_DATA",
        metavar="DIR",
        readable=False,  # whether it can be used is said by what uses it
        help="Data folder: which platform of this machine is meant. [default: in your state directory]",
        show_default=False,
    ),
]


def data_folder(given: Path | None) -> "DataFolder":
    """The data folder that was asked for, or the default one."""
    from munshi.embedded.data_folder import DataFolder, default_data_folder

    return DataFolder((given or default_data_folder()).expanduser().absolute())
