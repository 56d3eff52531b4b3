"""The bodies of requests and responses about tickets."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, StrictBool
from pydantic.config import JsonDict

from api.rest.models import RequestModel, ResponseModel, Timestamp
from engine.tickets.commands import (
    CommentText,
    Description,
    Duration,
    GroupName,
    IsCommentInternal,
    OptionalComment,
    Reference,
    RequestedSla,
    RequestedTargets,
    Title,
    UserId,
)
from engine.vocabulary import Priority, Status

_TARGETS_OR_PRIORITY: Final[JsonDict] = {
    "if": {"properties": {"byPriority": {"const": True}}, "required": ["byPriority"]},
    "then": {"properties": {"targets": {"type": "null"}}},
    "else": {"properties": {"targets": {"type": "object"}}, "required": ["targets"]},
}
"""What `RequestedSla` validates, as JSON Schema.

Generators of clients make a type for each member of `oneOf`, and none for `if`.
"""


_NOTE_HAS_COMMENT: Final[JsonDict] = {
    "if": {"properties": {"internal": {"const": True}}, "required": ["internal"]},
    "then": {"properties": {"comment": {"type": "string"}}, "required": ["comment"]},
}
"""What `OptionalComment` validates, as JSON Schema."""


class SlaTargetsRequest(RequestModel, RequestedTargets):
    """SLA targets of one ticket."""

    response: Duration
    """How soon the ticket must be picked up, such as `30m` or `PT30M`."""
    resolution: Duration
    """How soon the ticket must be resolved, such as `1d4h`."""


class SlaRequest(RequestModel, RequestedSla):
    """The SLA of a ticket: either that of its priority, or its own targets."""

    model_config = ConfigDict(json_schema_extra=_TARGETS_OR_PRIORITY)

    by_priority: StrictBool = False
    """Use the SLA targets of the priority, also after the priority changes."""
    targets: SlaTargetsRequest | None = None
    """Use these SLA targets. Only admins and members of the assignee group can set them."""


class NewTicket(RequestModel):
    """A ticket from an empty form."""

    title: Title
    """The subject, in one line."""
    description: Description = ""
    """The details."""
    priority: Priority = Priority.MEDIUM
    """How urgent the ticket is."""
    workflow: Reference
    """The name of the workflow."""
    requester: UserId | None = None
    """The user id of the requester; by default the user who sends the request. Only admins and
    members of a group in `ticketing.onBehalf` can name another user."""
    assignee: UserId | None = None
    """The user id of the assignee. Requires permission to assign the ticket."""
    assignee_group: GroupName | None = None
    """The group whose members can assign and edit the ticket."""
    sla: SlaRequest | None = None
    """The SLA of the ticket; by default it has none."""


class NewTicketFromItem(RequestModel):
    """A ticket from a catalog item, which sets all other fields."""

    item: Reference
    """The name of the catalog item."""
    title: Title | None = None
    """The subject, in one line; by default the display name of the item."""
    description: Description | None = None
    """The details."""
    requester: UserId | None = None
    """The user id of the requester; by default the user who sends the request. Only admins and
    members of a group in `ticketing.onBehalf` can name another user."""


class StartRequest(RequestModel, OptionalComment):
    """The start of work on a ticket, with or without a comment."""

    model_config = ConfigDict(json_schema_extra=_NOTE_HAS_COMMENT)

    comment: CommentText | None = None
    """A comment to add before the changes, or not at all if they are refused."""
    internal: IsCommentInternal = False
    """Whether only the assignee, the assignee group and admins can read the comment."""


class TransitionRequest(StartRequest):
    """A transition of a ticket, with or without a comment."""

    to: Status
    """The new status."""


class AssigneeRequest(RequestModel):
    """The new assignee of a ticket."""

    assignee: UserId | None
    """The user id of the assignee; null returns the ticket to the queue."""


class AssignToMeRequest(RequestModel):
    """The user as the new assignee of a ticket."""

    assign_to_me: Literal[True]
    """Assign the ticket to the user who sends the request."""


class AssigneeGroupRequest(RequestModel):
    """The new assignee group of a ticket."""

    assignee_group: GroupName | None
    """The group whose members can assign and edit the ticket; null for no group."""


class CommentRequest(RequestModel):
    """A comment on a ticket."""

    text: CommentText
    """The comment."""
    internal: StrictBool = False
    """Whether only the assignee, the assignee group and admins can read the comment."""


class TicketResponse(ResponseModel):
    """One version of a ticket."""

    id: str
    """`tk_` and lower-case hex digits."""
    title: str
    """The subject, in one line."""
    description: str
    """The details; can be empty."""
    status: Status
    """The current status."""
    priority: Priority
    """How urgent the ticket is."""
    workflow: str
    """The name of the workflow."""
    requester: str | None
    """The user id of the requester; null if Interlock opened the ticket."""
    assignee: str | None
    """The user id of the assignee, if any."""
    assignee_group: str | None
    """The group whose members can assign and edit the ticket, if any."""
    item: str | None
    """The name of the catalog item that the ticket was opened from, if any."""
    service: str | None
    """The path of the service whose outage opened the ticket, if any."""
    created_at: Timestamp
    """When the ticket was opened."""
    updated_at: Timestamp
    """When the ticket last changed."""
    version: Annotated[int, Field(ge=1)]
    """The number of entries in the history. In quotes, it is the entity tag."""
