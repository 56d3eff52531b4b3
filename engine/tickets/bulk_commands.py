"""The commands that change several tickets, each of them independently."""

from hashlib import sha256
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from engine import limits
from engine.tickets.commands import (
    Command,
    GroupName,
    IdempotencyKey,
    OptionalComment,
    TransferTicket,
    TransitionTicket,
)
from engine.vocabulary import Status


def _check_unique(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise PydanticCustomError("repeated", "must not contain {name} twice", {"name": name})
    return names


class BulkCommand(Command):
    """The base of the commands that change several tickets.

    Attributes:
        ids: checked one by one, so that a malformed id is an error for this ticket only.

    """

    ids: Annotated[
        tuple[str, ...],
        Field(min_length=1, max_length=limits.BULK_TICKETS),
        AfterValidator(_check_unique),
    ]

    def key_of(self, ticket: str) -> IdempotencyKey | None:
        """Return the idempotency key for one of the tickets; None if the command has no key."""
        key = self.idempotency_key
        return None if key is None else sha256(f"{key} {ticket}".encode()).hexdigest()


class TransitionTickets(OptionalComment, BulkCommand):
    """Move several tickets to another status, each with the same comment, if there is one."""

    to: Status

    def command_for(self, ticket: str) -> TransitionTicket:
        """Return the command for one of the tickets; InvalidInput if its id is malformed."""
        return TransitionTicket.parse(
            ticket=ticket,
            to=self.to,
            comment=self.comment,
            internal=self.internal,
            idempotency_key=self.key_of(ticket),
        )


class TransferTickets(BulkCommand):
    """Change the assignee group of several tickets; None for no group."""

    assignee_group: GroupName | None

    def command_for(self, ticket: str) -> TransferTicket:
        """Return the command for one of the tickets; InvalidInput if its id is malformed."""
        return TransferTicket.parse(
            ticket=ticket,
            assignee_group=self.assignee_group,
            idempotency_key=self.key_of(ticket),
        )
