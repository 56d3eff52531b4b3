"""The arguments and options that several commands share, and what their words mean."""

from pathlib import Path
from typing import Annotated

import typer

from engine.findings import did_you_mean
from engine.vocabulary import NO_ROLES, STATUSES, ActorRoles, Status


def status_of(text: str) -> Status:
    """Return the status of that name.

    Raises:
        BadParameter: there is none; the near names are offered.

    """
    try:
        return Status(text.upper())
    except ValueError:
        known = [status.value for status in STATUSES]
        message = f"{text!r} is not a status: {', '.join(known)}.{did_you_mean(text, known)}"
        raise typer.BadParameter(message) from None


def actor_of(text: str) -> ActorRoles:
    """Return the roles of a comma-separated list; none if it is empty.

    Raises:
        BadParameter: one of them is not a role; the near names are offered.

    """
    held = NO_ROLES
    for word in filter(None, (part.strip() for part in text.split(","))):
        held |= role_of(word)
    return held


def role_of(word: str) -> ActorRoles:
    """Return what an actor of that name is.

    Raises:
        BadParameter: there is none; the near names are offered.

    """
    known = {name.lower(): role for name, role in ActorRoles.__members__.items()}
    if word.lower() not in known:
        hint = did_you_mean(word, known)
        raise typer.BadParameter(f"{word!r} is not a role of an actor: {', '.join(known)}.{hint}")
    return known[word.lower()]


WorkflowName = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW", help="The name of a workflow, or a file that declares just one."
    ),
]
DeclarationFiles = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", metavar="FILE", help="Declarations beside the defaults."),
]
Actor = Annotated[
    ActorRoles | None,
    typer.Option(
        "--as",
        parser=actor_of,
        metavar="ROLES",
        help="What the actor is towards the ticket, e.g. assignee,requester,admin.",
    ),
]
