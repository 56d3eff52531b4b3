"""`/api/v1/tickets`: tickets for scripts that do not use GraphQL."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, TypedDict, TypeVar

from aiohttp import hdrs, web

from api.http.app_keys import ACTOR
from api.http.body import JSON
from api.http.cache import REVALIDATE
from api.http.etags import ETags, PreconditionFailed, etag_of
from api.http.idempotency_key import IdempotencyKeyReused, read_idempotency_key
from api.rest.models import read_body
from api.rest.ticket_list import list_tickets, read_query
from api.rest.ticket_models import (
    AssigneeGroupRequest,
    AssigneeRequest,
    AssignToMeRequest,
    CommentRequest,
    NewTicket,
    NewTicketFromItem,
    StartRequest,
    TicketResponse,
    TransitionRequest,
)
from api.runtime.request_context import RequestContext
from engine.errors import IdempotencyConflict, VersionConflict
from engine.plugins import Plugin
from engine.storage.tickets.reader import read_ticket, ticket_not_found
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    AssignToMe,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    StartTicket,
    TransferTicket,
    TransitionTicket,
)
from engine.tickets.ticket import TICKET_ID_PATTERN, Ticket

_TICKETS_PATH: Final = "/api/v1/tickets"
_TICKET_PATH: Final = f"{_TICKETS_PATH}/{{id}}"

_ContextFactory = Callable[[Actor], Awaitable[RequestContext]]
_Command = TypeVar("_Command")
_Change = Callable[[TicketStore, Actor, _Command], Awaitable[Ticket]]


def ticket_routes(create_context: _ContextFactory) -> list[web.RouteDef]:
    """Return the routes."""
    handlers = _TicketHandlers(create_context)
    return [
        web.get(_TICKETS_PATH, handlers.list),
        web.post(_TICKETS_PATH, handlers.create),
        web.get(_TICKET_PATH, handlers.read),
        web.post(f"{_TICKET_PATH}/transitions", handlers.transition),
        web.post(f"{_TICKET_PATH}/start", handlers.start),
        web.post(f"{_TICKET_PATH}/comments", handlers.comment),
        web.put(f"{_TICKET_PATH}/assignee", handlers.assign),
        web.put(f"{_TICKET_PATH}/assignee-group", handlers.transfer),
    ]


class _TicketHandlers:
    """Handles requests of users; each handler calls one function of the engine."""

    def __init__(self, create_context: _ContextFactory) -> None:
        self._create_context = create_context

    async def list(self, request: web.Request) -> web.Response:
        """Return a page of tickets."""
        query = read_query(request)
        page = await list_tickets(query, await self._context(request))
        return web.Response(body=page.model_dump_json().encode(), content_type=JSON)

    async def create(self, request: web.Request) -> web.Response:
        """Open a ticket, from an empty form or from a catalog item."""
        alternatives: dict[str, type[NewTicket | NewTicketFromItem]] = {"item": NewTicketFromItem}
        body = await read_body(request, NewTicket, alternatives)
        fields = body.model_dump(exclude_unset=True)
        fields["idempotency_key"] = read_idempotency_key(request)
        context = await self._context(request)
        with _errors_of_headers():
            if isinstance(body, NewTicket):
                ticket = await context.store.create(context.actor, CreateTicket.parse(**fields))
            else:
                command = CreateTicketFromCatalog.parse(**fields)
                ticket = await context.store.create_from_catalog(context.actor, command)
        return _respond(ticket, HTTPStatus.CREATED, hdrs.LOCATION)

    async def read(self, request: web.Request) -> web.Response:
        """Return a ticket, or 304 if the client has its current version."""
        etags = ETags.from_header(request, hdrs.IF_NONE_MATCH)
        context = await self._context(request)
        ticket = await read_ticket(context.databases.reads, context.viewer, _ticket_id(request))
        if etags is not None and etags.matches(ticket):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_cache_headers(ticket))
        return _respond(ticket)

    async def transition(self, request: web.Request) -> web.Response:
        """Move a ticket to another status."""
        body = await read_body(request, TransitionRequest)
        command = TransitionTicket(
            to=body.to,
            comment=body.comment,
            internal=body.internal,
            **_change_fields(request),
        )
        return await self._change(request, TicketStore.transition, command)

    async def start(self, request: web.Request) -> web.Response:
        """Assign a ticket to the user and move it to IN_PROGRESS."""
        body = await read_body(request, StartRequest)
        command = StartTicket(
            comment=body.comment, internal=body.internal, **_change_fields(request)
        )
        return await self._change(request, TicketStore.start, command)

    async def assign(self, request: web.Request) -> web.Response:
        """Assign a ticket to a user, or return it to the queue."""
        alternatives: dict[str, type[AssigneeRequest | AssignToMeRequest]] = {
            "assignToMe": AssignToMeRequest
        }
        body = await read_body(request, AssigneeRequest, alternatives)
        if isinstance(body, AssignToMeRequest):
            to_me = AssignToMe(**_change_fields(request))
            return await self._change(request, TicketStore.assign_to_me, to_me)
        command = AssignTicket(assignee=body.assignee, **_change_fields(request))
        return await self._change(request, TicketStore.assign, command)

    async def transfer(self, request: web.Request) -> web.Response:
        """Change the assignee group of a ticket."""
        body = await read_body(request, AssigneeGroupRequest)
        command = TransferTicket(assignee_group=body.assignee_group, **_change_fields(request))
        return await self._change(request, TicketStore.transfer, command)

    async def comment(self, request: web.Request) -> web.Response:
        """Add a comment to a ticket."""
        body = await read_body(request, CommentRequest)
        command = CommentTicket(text=body.text, internal=body.internal, **_change_fields(request))
        return await self._change(request, TicketStore.comment, command)

    async def _change(
        self, request: web.Request, change: _Change[_Command], command: _Command
    ) -> web.Response:
        context = await self._context(request)
        with _errors_of_headers():
            ticket = await change(context.store, context.actor, command)
        return _respond(ticket, location_header=hdrs.CONTENT_LOCATION)

    async def _context(self, request: web.Request) -> RequestContext:
        context = await self._create_context(request[ACTOR])
        context.plugins.require(Plugin.TICKETING)
        return context


class _ChangeFields(TypedDict):
    """The fields of a command that the path and the headers of a request give."""

    ticket: str
    expected_version: int | None
    idempotency_key: str | None


def _change_fields(request: web.Request) -> _ChangeFields:
    etags = ETags.from_header(request, hdrs.IF_MATCH)
    return {
        "ticket": _ticket_id(request),
        "expected_version": None if etags is None else etags.expected_version,
        "idempotency_key": read_idempotency_key(request),
    }


def _ticket_id(request: web.Request) -> str:
    """Return the ticket id in the path of a request; NotFound if it is malformed."""
    ticket = request.match_info["id"]
    if not TICKET_ID_PATTERN.fullmatch(ticket):
        raise ticket_not_found(ticket)
    return ticket


@contextmanager
def _errors_of_headers() -> Iterator[None]:
    """Give conflicts the status that HTTP defines for the header that caused them."""
    try:
        yield
    except VersionConflict as conflict:
        raise PreconditionFailed.of(conflict) from None
    except IdempotencyConflict as conflict:
        raise IdempotencyKeyReused.of(conflict) from None


def _cache_headers(ticket: Ticket) -> dict[str, str]:
    return {hdrs.ETAG: etag_of(ticket), hdrs.CACHE_CONTROL: REVALIDATE}


def _respond(
    ticket: Ticket, status: HTTPStatus = HTTPStatus.OK, location_header: str | None = None
) -> web.Response:
    """Return the response with a ticket; `location_header` gets its path."""
    headers = _cache_headers(ticket)
    if location_header is not None:
        headers[location_header] = _TICKET_PATH.format(id=ticket.id)
    return web.Response(
        status=status,
        body=TicketResponse.model_validate(ticket).model_dump_json().encode(),
        content_type=JSON,
        headers=headers,
    )
