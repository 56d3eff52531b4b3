"""The options that name values files, and the resources that these declare."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.files import read_layer

if TYPE_CHECKING:
    from reconciler.desired import Desired

ValuesFiles = Annotated[
    list[Path],
    typer.Option(
        "--values",
        "-f",
        metavar="FILE",
        help="A values file, or a folder of pieces. Later ones override earlier ones.",
    ),
]
SetValues = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Set a value, as helm --set does. Overrides files."
    ),
]
SetStrings = Annotated[
    list[str] | None,
    typer.Option("--set-string", metavar="PATH=TEXT", help="Set a text value. Overrides --set."),
]
SubchartKey = Annotated[
    str,
    typer.Option(
        "--key", help="The key of the chart's values, if it is a dependency; such as interlock."
    ),
]
Source = Annotated[
    str,
    typer.Option(help="The origin of the declaration to record, such as git:abc123."),
]
By = Annotated[
    str,
    typer.Option(
        "--by", help="The name to record as the author of the change. Default: your user name."
    ),
]


def read_desired_resources(
    files: list[Path], set_values: list[str] | None, set_strings: list[str] | None, key: str
) -> "Desired":
    """Return the resources that the options declare.

    Raises:
        InvalidInput: a file can't be read.
        InvalidDeclaration: with the findings in all files.

    """
    from reconciler.desired import read_desired
    from reconciler.values import ValuesInput

    layers = list(map(read_layer, files))
    return read_desired(ValuesInput(layers, set_values or (), set_strings or (), key))


def user_name() -> str:
    """Return the name of the user of this process."""
    try:
        return getpass.getuser()
    except OSError:  # the container image has no such user
        return "unknown"
