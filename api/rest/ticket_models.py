"""What REST is told of tickets and tells of them: the bodies, and the forms that they fill in."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, StrictBool
from pydantic.config import JsonDict

from api.rest.openapi.operation import Moment, RequestModel, ResponseModel
from engine.tickets.commands import (
    CommentText,
    Description,
    Duration,
    GroupName,
    Reference,
    RequestedSla,
    RequestedTargets,
    Title,
    UserId,
)
from engine.vocabulary import Priority, Status

EITHER: Final[JsonDict] = {
    "oneOf": [
        {
            "required": ["targets"],
            "properties": {"targets": {"type": "object"}, "byPriority": {"const": False}},
        },
        {
            "required": ["byPriority"],
            "properties": {"targets": {"type": "null"}, "byPriority": {"const": True}},
        },
    ]
}
"""What `RequestedSla` checks, for whoever reads the schema."""


class SlaTargetsRequest(RequestModel, RequestedTargets):
    """What was agreed with somebody."""

    response: Duration
    """From the opening until somebody picks it up, such as `30m` or `PT30M`."""
    resolution: Duration
    """From the opening until it is resolved, such as `1d4h`."""


class SlaRequest(RequestModel, RequestedSla):
    """What shall be promised: either what the priority promises, or targets."""

    model_config = ConfigDict(json_schema_extra=EITHER)

    by_priority: StrictBool = False
    """What the priority promises, now and when it changes."""
    targets: SlaTargetsRequest | None = None
    """These targets, whatever the priority."""


class NewTicket(RequestModel):
    """A ticket from an empty form: everything by hand."""

    title: Title
    """What it is about, in one line."""
    description: Description = ""
    """What it is about, at length."""
    priority: Priority = Priority.MEDIUM
    """How urgent it is."""
    workflow: Reference
    """The name of its workflow."""
    assignee: UserId | None = None
    """The id of the person whom it is for; whoever opens it must be allowed to assign it."""
    assignee_group: GroupName | None = None
    """The group whose members may assign it."""
    sla: SlaRequest | None = None
    """What shall be promised; nothing if it is left out."""


class NewTicketFromItem(RequestModel):
    """A ticket from a catalog item, which says everything else."""

    item: Reference
    """The name of the item."""
    title: Title | None = None
    """What it is about, in one line; the item's name for people if it is left out."""
    description: Description | None = None
    """What it is about, at length."""


class TransitionRequest(RequestModel):
    """A transition of a ticket."""

    to: Status
    """The wanted status."""


class Assignment(RequestModel):
    """Whom a ticket is assigned to."""

    assignee: UserId | None
    """The id of the person; null puts the ticket back into the queue."""


class NewComment(RequestModel):
    """Something that is said about a ticket."""

    text: CommentText
    """What to say."""
    internal: StrictBool = False
    """For the assignee's side only: the assignee, the assignee's group, admins."""


class TicketResponse(ResponseModel):
    """One version of a ticket."""

    id: str
    """`tk_` and lower-case hex digits."""
    title: str
    """What it is about, in one line."""
    description: str
    """What it is about, at length; may be empty."""
    status: Status
    """Where it stands."""
    priority: Priority
    """How urgent it is."""
    workflow: str
    """The name of its workflow."""
    requester: str | None
    """The id of the person who opened it; null if Interlock did."""
    assignee: str | None
    """The id of the person whom it is assigned to, if there is one."""
    assignee_group: str | None
    """The group whose members may assign it, if there is one."""
    item: str | None
    """The name of the catalog item that it comes from, if it comes from one."""
    service: str | None
    """The path of the service whose outage it is about; null for what people open."""
    created_at: Moment
    """When it was opened."""
    updated_at: Moment
    """When it was last changed."""
    version: Annotated[int, Field(ge=1)]
    """Grows by one with every entry of the history; in quotes, it is the entity tag."""
