"""The routes for new tickets."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.forms import read_form
from api.web.pages import Pages, see_other
from api.web.views.new_ticket.view import (
    FORM_PATH,
    PATH,
    NewTicketPage,
    build_catalog,
    fills_of,
    item_path,
    opened_path,
)
from engine.errors import Forbidden, InterlockError, InvalidInput, ItemRetired, NotFound
from engine.plugins import Plugin
from engine.storage.resources.on_behalf import read_on_behalf_groups
from engine.storage.resources.sla_terms import read_terms
from engine.storage.tickets.reader import read_clock
from engine.tickets.commands import CreateTicket, CreateTicketFromCatalog
from engine.tickets.permissions import can_open_on_behalf, can_read
from engine.tickets.ticket import Ticket

_CATALOG_TEMPLATE: Final = "views/new_ticket/catalog.html"
_FORM_TEMPLATE: Final = "views/new_ticket/form.html"
_REFUSALS: Final = (Forbidden, InvalidInput, NotFound)

_Create = Callable[[RequestContext, Mapping[str, str]], Awaitable[Ticket]]


def new_ticket_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _NewTicketHandlers(pages)
    return [
        pages.get(PATH, handlers.show_catalog),
        pages.get(FORM_PATH, handlers.show_form),
        pages.post(FORM_PATH, handlers.create_from_form),
        pages.get(item_path("{item}"), handlers.show_item),
        pages.post(item_path("{item}"), handlers.create_from_item),
    ]


@dataclass(frozen=True, slots=True)
class _NewTicketHandlers:
    pages: Pages

    async def show_catalog(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show the items of a category."""
        context.plugins.require(Plugin.TICKETING)
        query = request.query
        page = build_catalog(context.catalog.shown, query.get("category", ""), query.get("opened"))
        return self.pages.render(request, context, _CATALOG_TEMPLATE, {"page": page})

    async def show_form(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show the form with every field."""
        context.plugins.require(Plugin.TICKETING)
        return self._render(request, context, await _empty_form(context))

    async def show_item(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show the form of a catalog item."""
        context.plugins.require(Plugin.TICKETING)
        return self._render(request, context, await _item_form(request, context))

    async def create_from_form(self, request: web.Request, context: RequestContext) -> web.Response:
        """Open a ticket from the form with every field."""
        return await self._create(request, context, await _empty_form(context), _create)

    async def create_from_item(self, request: web.Request, context: RequestContext) -> web.Response:
        """Open a ticket from a catalog item."""
        page = await _item_form(request, context)

        async def create(context: RequestContext, fields: Mapping[str, str]) -> Ticket:
            command = CreateTicketFromCatalog.parse(
                item=request.match_info["item"],
                title=fields.get("title") or None,
                description=fields.get("description") or None,
                requester=_requester(fields),
                idempotency_key=fields.get("key") or None,
            )
            return await context.store.create_from_catalog(context.actor, command)

        return await self._create(request, context, page, create)

    async def _create(
        self, request: web.Request, context: RequestContext, page: NewTicketPage, create: _Create
    ) -> web.Response:
        context.plugins.require(Plugin.TICKETING)
        fields = await read_form(request)
        try:
            ticket = await create(context, fields)
        except _REFUSALS as error:
            refused = replace(page, fields=fields, problems=_problems(error))
            return self._render(request, context, refused, error.status)
        if not can_read(ticket, context.viewer):  # it is for another user
            return see_other(opened_path(page.item))
        return see_other(f"/tickets/{ticket.id}?done=created")

    def _render(
        self,
        request: web.Request,
        context: RequestContext,
        page: NewTicketPage,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        return self.pages.render(request, context, _FORM_TEMPLATE, {"page": page}, status)


async def _offers_requester(context: RequestContext) -> bool:
    """Return whether the reader can open tickets for other users."""
    return can_open_on_behalf(context.actor, await read_on_behalf_groups(context.databases.reads))


def _requester(fields: Mapping[str, str]) -> str | None:
    """Return the user whom the ticket is for; None for the reader."""
    return fields.get("requester", "").strip() or None


async def _empty_form(context: RequestContext) -> NewTicketPage:
    known = context.workflows.registry.workflows.values()
    workflows = sorted(
        (each for each in known if not each.retired), key=lambda each: each.display_name.casefold()
    )
    return NewTicketPage(workflows=workflows, offers_requester=await _offers_requester(context))


async def _item_form(request: web.Request, context: RequestContext) -> NewTicketPage:
    known = await context.catalog.named(request.match_info["item"])
    item = known.declared
    if known.retired:
        raise ItemRetired(item=item.name)
    workflow = await context.workflows.named(item.workflow)
    async with context.databases.reads.snapshot() as session:
        terms = await read_terms(session, item)
    now = await read_clock(context.databases.reads)
    fills = fills_of(item, workflow, terms, now)
    return NewTicketPage(item, fills, offers_requester=await _offers_requester(context))


async def _create(context: RequestContext, fields: Mapping[str, str]) -> Ticket:
    command = CreateTicket.parse(
        title=fields.get("title", ""),
        description=fields.get("description", ""),
        priority=fields.get("priority"),
        workflow=fields.get("workflow", ""),
        requester=_requester(fields),
        assignee=fields.get("assignee") or None,
        assignee_group=fields.get("assigneeGroup") or None,
        sla={"by_priority": True} if fields.get("sla") == "true" else None,
        idempotency_key=fields.get("key") or None,
    )
    return await context.store.create(context.actor, command)


def _problems(error: InterlockError) -> dict[str, str]:
    """Return the messages of an error by the field that each of them is about."""
    problems = error.details.get("problems")
    if not isinstance(problems, list):
        return {str(error.details.get("field", "")): error.message}
    return {str(each["field"]): str(each["message"]) for each in problems}
