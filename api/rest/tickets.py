"""`/api/v1/tickets`: a thin door to tickets, for scripts that do not speak GraphQL."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, TypedDict, TypeVar

from aiohttp import hdrs, web

from api.http.app_keys import ACTOR
from api.http.body import JSON
from api.http.etags import ETags, PreconditionFailed, etag_of
from api.http.idempotency_key import IdempotencyKeyReused, read_idempotency_key
from api.rest.openapi.operation import JsonBody
from api.rest.ticket_models import (
    Assignment,
    NewComment,
    NewTicket,
    NewTicketFromItem,
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
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransitionTicket,
)
from engine.tickets.ticket import TICKET_ID_PATTERN, Ticket

TICKETS_PATH: Final = "/api/v1/tickets"
TICKET_PATH: Final = f"{TICKETS_PATH}/{{id}}"
CACHING: Final = "private, no-cache"
"""May be kept by whoever asked, and is asked for again each time: what is current has its tag."""

NEW_TICKET: Final[JsonBody[NewTicket | NewTicketFromItem]] = JsonBody(
    NewTicket, {"item": NewTicketFromItem}
)
MOVE: Final = JsonBody(TransitionRequest)
ASSIGNMENT: Final = JsonBody(Assignment)
COMMENT: Final = JsonBody(NewComment)

ContextFor = Callable[[Actor], Awaitable[RequestContext]]
AnyForm = TypeVar("AnyForm")
Change = Callable[[TicketStore, Actor, AnyForm], Awaitable[Ticket]]


class ChangeFields(TypedDict):
    """What the address and the headers of a change fill in."""

    ticket: str
    expected_version: int | None
    idempotency_key: str | None


class TicketHandlers:
    """Answers what signed-in people ask of tickets; each handler calls one function of the engine.

    Args:
        context_for: makes what the handling of one request shares.

    """

    def __init__(self, context_for: ContextFor) -> None:
        self._context_for = context_for

    async def create(self, request: web.Request) -> web.Response:
        """Open a ticket, from an empty form or from a catalog item."""
        said = await NEW_TICKET.read(request)
        key = read_idempotency_key(request)
        context = await self._context(request)
        fields = said.model_dump(exclude_unset=True)
        with told_by_header():
            match said:
                case NewTicket():
                    form = CreateTicket.parse(**fields, idempotency_key=key)
                    ticket = await context.store.create(context.actor, form)
                case NewTicketFromItem():
                    chosen = CreateTicketFromCatalog.parse(**fields, idempotency_key=key)
                    ticket = await context.store.create_from_catalog(context.actor, chosen)
        return answer_with(ticket, HTTPStatus.CREATED, {hdrs.LOCATION: path_of(ticket)})

    async def read(self, request: web.Request) -> web.Response:
        """Answer a ticket, or 304 to whoever has it already."""
        known = ETags.from_header(request, hdrs.IF_NONE_MATCH)
        context = await self._context(request)
        ticket = await read_ticket(context.database, context.viewer, ticket_in(request))
        if known is not None and known.matches(ticket):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=validators(ticket))
        return answer_with(ticket)

    async def transition(self, request: web.Request) -> web.Response:
        """Move a ticket to another status."""
        move = await MOVE.read(request)
        form = TransitionTicket(to=move.to, **change_fields(request))
        return await self._carry_out(request, TicketStore.transition, form)

    async def assign(self, request: web.Request) -> web.Response:
        """Hand a ticket to somebody, or back to the queue."""
        said = await ASSIGNMENT.read(request)
        form = AssignTicket(assignee=said.assignee, **change_fields(request))
        return await self._carry_out(request, TicketStore.assign, form)

    async def comment(self, request: web.Request) -> web.Response:
        """Say something about a ticket."""
        said = await COMMENT.read(request)
        form = CommentTicket(text=said.text, internal=said.internal, **change_fields(request))
        return await self._carry_out(request, TicketStore.comment, form)

    async def _carry_out(
        self, request: web.Request, change: Change[AnyForm], form: AnyForm
    ) -> web.Response:
        context = await self._context(request)
        with told_by_header():
            return changed(await change(context.store, context.actor, form))

    async def _context(self, request: web.Request) -> RequestContext:
        context = await self._context_for(request[ACTOR])
        context.plugins.require(Plugin.TICKETING)
        return context


def ticket_in(request: web.Request) -> str:
    """Return the id in the address of a request.

    Raises:
        NotFound: it is not one.

    """
    ticket = request.match_info["id"]
    if not TICKET_ID_PATTERN.fullmatch(ticket):
        raise ticket_not_found(ticket)
    return ticket


def change_fields(request: web.Request) -> ChangeFields:
    """Return what address and headers of a request say of the change that it asks for.

    Raises:
        NotFound: the address has not the id of a ticket.
        InvalidInput: a header is malformed.

    """
    tags = ETags.from_header(request, hdrs.IF_MATCH)
    return {
        "ticket": ticket_in(request),
        "expected_version": None if tags is None else tags.expected_version,
        "idempotency_key": read_idempotency_key(request),
    }


@contextmanager
def told_by_header() -> Iterator[None]:
    """Give refusals the status that goes with the header by which they were asked for."""
    try:
        yield
    except VersionConflict as conflict:
        raise PreconditionFailed.of(conflict) from None
    except IdempotencyConflict as conflict:
        raise IdempotencyKeyReused.of(conflict) from None


def path_of(ticket: Ticket) -> str:
    """Return the address of a ticket."""
    return TICKET_PATH.format(id=ticket.id)


def validators(ticket: Ticket) -> Mapping[str, str]:
    """Return the headers by which a ticket is known again."""
    return {hdrs.ETAG: etag_of(ticket), hdrs.CACHE_CONTROL: CACHING}


def answer_with(
    ticket: Ticket, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return the answer that tells a ticket."""
    return web.Response(
        status=status,
        body=TicketResponse.model_validate(ticket).model_dump_json().encode(),
        content_type=JSON,
        headers={**validators(ticket), **(headers or {})},
    )


def changed(ticket: Ticket) -> web.Response:
    """Return the answer to a change: the ticket, which is not what stands at the address asked."""
    return answer_with(ticket, headers={hdrs.CONTENT_LOCATION: path_of(ticket)})
