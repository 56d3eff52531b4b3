"""The arguments and options that several commands share, and what their words mean."""

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import InvalidInput
from engine.findings import did_you_mean
from engine.vocabulary import NOBODY, STATUSES, ActorRoles, Status

WorkflowName = Annotated[
    str, typer.Argument(help="The name of a workflow, or a file that declares just one.")
]
DeclarationFiles = Annotated[
    list[Path] | None, typer.Option("--file", "-f", help="Declarations beside the defaults.")
]


def status_of(text: str) -> Status:
    """Return the status of that name.

    Raises:
        InvalidInput: there is none; the near names are offered.

    """
    try:
        return Status(text.upper())
    except ValueError:
        known = ", ".join(STATUSES)
        hint = did_you_mean(text, STATUSES)
        raise InvalidInput(f"{text!r} is not a status: {known}.{hint}") from None


def actor_of(text: str) -> ActorRoles:
    """Return the roles of a comma-separated list.

    Raises:
        InvalidInput: one of them is not a role; the near names are offered.

    """
    held = NOBODY
    for word in filter(None, (part.strip() for part in text.split(","))):
        known = ActorRoles.__members__
        if word.upper() not in known:
            names = [name.lower() for name in known]
            hint = did_you_mean(word, names)
            raise InvalidInput(f"{word!r} is not a role of an actor: {', '.join(names)}.{hint}")
        held |= known[word.upper()]
    return held
