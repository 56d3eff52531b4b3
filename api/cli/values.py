"""The options that say what is desired, and what they say."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.files import read_text

if TYPE_CHECKING:
    from reconciler.desired import Desired

ValuesFiles = Annotated[
    list[Path],
    typer.Option(
        "--values", "-f", metavar="FILE", help="A values file; of several, later ones win."
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="A value above all files, as Helm takes it."),
]
SetStrings = Annotated[
    list[str] | None,
    typer.Option(
        "--set-string", metavar="PATH=TEXT", help="Likewise, always text, above every --set."
    ),
]
SubchartKey = Annotated[
    str, typer.Option("--key", help="Where the chart sits in the files, e.g. interlock.")
]
Source = Annotated[
    str, typer.Option(help="Where the declaration comes from, for the record, e.g. git:abc123.")
]
By = Annotated[str, typer.Option("--by", help="Who applies, for the record.")]


def desired_from(
    files: list[Path], sets: list[str] | None, set_strings: list[str] | None, key: str
) -> "Desired":
    """Return what the options ask for.

    Raises:
        InvalidInput: a file can't be read.
        InvalidDeclaration: with all that is wrong in any of them.

    """
    from reconciler.desired import desired_in

    texts = [(str(file), read_text(file)) for file in files]
    return desired_in(texts, sets or (), key, set_strings=set_strings or ())


def whoever_runs_this() -> str:
    """Return the name of the user of this process."""
    try:
        return getpass.getuser()
    except OSError:  # no such user in the image
        return "unknown"
