"""The routes of `/api/v1/tickets`, each with what the document says of it."""

from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from api.http.etags import ETAGS_PATTERN, PreconditionFailed
from api.http.idempotency_key import KEY_PATTERN, IdempotencyKeyReused
from api.rest.openapi.operation import Operation, Parameter, Place, Response
from api.rest.ticket_models import TicketResponse
from api.rest.tickets import (
    ASSIGNMENT,
    COMMENT,
    MOVE,
    NEW_TICKET,
    TICKET_PATH,
    TICKETS_PATH,
    ContextFor,
    TicketHandlers,
)
from engine.errors import (
    Forbidden,
    ForbiddenTransition,
    ItemRetired,
    NotFound,
    PluginDisabled,
    TicketClosed,
    WorkflowRetired,
)
from engine.tickets.ticket import TICKET_ID_PATTERN

TAG: Final = "The version of the ticket, in quotes."
TICKET_ID_PARAMETER: Final = Parameter(
    "id",
    Place.PATH,
    "The id of the ticket.",
    {"type": "string", "pattern": f"^{TICKET_ID_PATTERN.pattern}$"},
    example="tk_4f8e29",
)
IF_NONE_MATCH: Final = Parameter(
    hdrs.IF_NONE_MATCH,
    Place.HEADER,
    "Answer 304 if the ticket still has one of these entity tags.",
    {"type": "string", "pattern": ETAGS_PATTERN},
    example='"3"',
)
IF_MATCH: Final = Parameter(
    hdrs.IF_MATCH,
    Place.HEADER,
    "Refuse with 412 if the ticket has none of these entity tags any more.",
    {"type": "string", "pattern": ETAGS_PATTERN},
    example='"3"',
)
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    Place.HEADER,
    "The same key by the same person carries a request out once only, and has the first answer"
    " again; kept for a day.",
    {"type": "string", "pattern": KEY_PATTERN},
    example='"8e03978e-40d5-43dd-bc93-6894a57f9324"',
)
CREATED: Final = Response(
    "The ticket that was opened.",
    TicketResponse,
    HTTPStatus.CREATED,
    headers={hdrs.LOCATION: "Where the ticket is.", hdrs.ETAG: TAG},
    links=("readTicket", "transitionTicket", "commentTicket", "assignTicket"),
)
TOLD: Final = Response("The ticket.", TicketResponse, headers={hdrs.ETAG: TAG})
NOT_MODIFIED: Final = Response(
    "The ticket has one of the given tags.",
    None,
    HTTPStatus.NOT_MODIFIED,
    headers={hdrs.ETAG: TAG},
)
CHANGED: Final = Response(
    "The ticket as this change left it.",
    TicketResponse,
    headers={hdrs.ETAG: TAG, hdrs.CONTENT_LOCATION: "Where the ticket is."},
)
CHANGE_PARAMETERS: Final = (TICKET_ID_PARAMETER, IF_MATCH, IDEMPOTENCY_KEY)
CHANGE_REFUSALS: Final = (NotFound, PluginDisabled, PreconditionFailed, IdempotencyKeyReused)


def ticket_routes(context_for: ContextFor) -> list[Operation]:
    """Return the routes."""
    door = TicketHandlers(context_for)
    return [
        Operation(
            web.post(TICKETS_PATH, door.create),
            name="createTicket",
            summary="Open a ticket, from an empty form or from a catalog item",
            body=NEW_TICKET,
            parameters=(IDEMPOTENCY_KEY,),
            answers=(CREATED,),
            refusals=(
                NotFound,
                Forbidden,
                WorkflowRetired,
                ItemRetired,
                PluginDisabled,
                IdempotencyKeyReused,
            ),
        ),
        Operation(
            web.get(TICKET_PATH, door.read),
            name="readTicket",
            summary="Read a ticket",
            parameters=(TICKET_ID_PARAMETER, IF_NONE_MATCH),
            answers=(TOLD, NOT_MODIFIED),
            refusals=(NotFound, PluginDisabled),
        ),
        Operation(
            web.post(f"{TICKET_PATH}/transitions", door.transition),
            name="transitionTicket",
            summary="Move a ticket to another status",
            body=MOVE,
            parameters=CHANGE_PARAMETERS,
            answers=(CHANGED,),
            refusals=(ForbiddenTransition, *CHANGE_REFUSALS),
        ),
        Operation(
            web.post(f"{TICKET_PATH}/comments", door.comment),
            name="commentTicket",
            summary="Say something about a ticket, CLOSED or not",
            body=COMMENT,
            parameters=CHANGE_PARAMETERS,
            answers=(CHANGED,),
            refusals=(Forbidden, *CHANGE_REFUSALS),
        ),
        Operation(
            web.put(f"{TICKET_PATH}/assignee", door.assign),
            name="assignTicket",
            summary="Hand a ticket to somebody, or back to the queue",
            body=ASSIGNMENT,
            parameters=CHANGE_PARAMETERS,
            answers=(CHANGED,),
            refusals=(Forbidden, TicketClosed, *CHANGE_REFUSALS),
        ),
    ]
