"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from engine.findings import did_you_mean
from engine.vocabulary import NO_ROLES, STATUSES, ActorRoles, Status


def parse_status(text: str) -> Status:
    """Return the status of that name.

    Raises:
        BadParameter: no status has that name; the message suggests similar names.

    """
    try:
        return Status(text.upper())
    except ValueError:
        known = [status.value for status in STATUSES]
        hint = did_you_mean(text, known)
        raise typer.BadParameter(
            f"{text!r} is not a status. The statuses are {', '.join(known)}.{hint}"
        ) from None


def parse_roles(text: str) -> ActorRoles:
    """Return the roles in a comma-separated list.

    Raises:
        BadParameter: one of them is not a role; the message suggests similar names.

    """
    known = {name.lower(): role for name, role in ActorRoles.__members__.items()}
    roles = NO_ROLES
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word.lower() not in known:
            hint = did_you_mean(word, known)
            raise typer.BadParameter(
                f"{word!r} is not a role. The roles are {', '.join(known)}.{hint}"
            )
        roles |= known[word.lower()]
    return roles


WorkflowName = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW", help="The name of a workflow, or a file that declares exactly one."
    ),
]
DeclarationFiles = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", metavar="FILE", help="A values file that declares workflows."),
]
Actor = Annotated[
    ActorRoles | None,
    typer.Option(
        "--as",
        parser=parse_roles,
        metavar="ROLES",
        help="The roles of the actor, such as assignee,requester.",
    ),
]
