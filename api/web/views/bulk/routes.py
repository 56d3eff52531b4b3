"""The routes of bulk transitions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy, MultiMapping

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.pages import Pages, see_other
from api.web.ticket_query import parse_filter
from api.web.views.bulk.view import (
    OUTCOME_PATH,
    PATH,
    BulkPage,
    BulkRow,
    build_rows,
    outcome_path,
)
from api.web.views.tickets.view import conditions_in, order_named
from engine import limits
from engine.errors import InvalidInput
from engine.plugins import Plugin
from engine.storage.tickets.bulk import change_each
from engine.storage.tickets.filters import conditions_of, conditions_of_ids
from engine.storage.tickets.search import find_tickets
from engine.tickets.bulk_commands import TransitionTickets
from engine.tickets.search import PageRequest
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status

_TEMPLATE: Final = "views/bulk/page.html"


def bulk_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _BulkHandlers(pages)
    return [
        pages.get(PATH, handlers.preview),
        pages.get(OUTCOME_PATH, handlers.show_outcome),
        pages.post(PATH, handlers.execute),
    ]


@dataclass(frozen=True, slots=True)
class _BulkHandlers:
    pages: Pages

    async def preview(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show what a transition would do to each ticket of a selection."""
        context.plugins.require(Plugin.TICKETING)
        query = request.query
        try:
            to = _target(query)
            if "matching" in query:
                return await self._preview_matching(request, context, query["matching"], to)
            rows = await _rows(context, _selected(query), to)
        except InvalidInput as error:
            return self._refuse(request, context, error)
        return self._render(request, context, BulkPage(to, rows))

    async def _preview_matching(
        self, request: web.Request, context: RequestContext, matching: str, to: Status
    ) -> web.Response:
        """Show the preview for the first tickets of a list."""
        query = tuple(parse_qsl(matching))
        order = order_named(dict(query).get("order", "")).order
        conditions = conditions_of(parse_filter(conditions_in(query)), context.actor)
        page_request = PageRequest(limits.BULK_TICKETS, order)
        found = await find_tickets(
            context.databases.reads, context.viewer, conditions, page_request
        )
        rows = await _rows_of(context, [each.id for each in found.tickets], found.tickets, to)
        page = BulkPage(to, rows, more=found.has_more)
        if not rows:
            page = replace(page, problem="No ticket matches this filter.")
        return self._render(request, context, page)

    async def execute(self, request: web.Request, context: RequestContext) -> web.Response:
        """Make the transition of each selected ticket that it is allowed for."""
        context.plugins.require(Plugin.TICKETING)
        fields = _texts(await request.post())
        try:
            to, ids = _target(fields), _selected(fields)
            command = TransitionTickets.parse(
                ids=ids,
                to=to,
                comment=fields.get("comment", "").strip() or None,
                idempotency_key=fields.get("key") or None,
            )
        except InvalidInput as error:
            return self._refuse(request, context, error)
        results = await change_each(
            context.actor, command.ids, command.command_for, context.store.transition
        )
        done = [each.id for each in results if isinstance(each.result, Ticket)]
        refused = [each.id for each in results if not isinstance(each.result, Ticket)]
        return see_other(outcome_path(done, refused, to))

    async def show_outcome(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show what happened to each ticket. The refused ones are selected for another try."""
        context.plugins.require(Plugin.TICKETING)
        done, refused = request.query.getall("done", []), request.query.getall("refused", [])
        try:
            to = _target(request.query)
            ids = _checked([*refused, *done])
            rows = await _rows(context, ids, to, frozenset(done))
        except InvalidInput as error:
            return self._refuse(request, context, error)
        return self._render(request, context, BulkPage(to, rows, is_outcome=True))

    def _refuse(
        self, request: web.Request, context: RequestContext, error: InvalidInput
    ) -> web.Response:
        page = BulkPage(None, problem=error.message)
        return self._render(request, context, page, HTTPStatus.BAD_REQUEST)

    def _render(
        self,
        request: web.Request,
        context: RequestContext,
        page: BulkPage,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        return self.pages.render(request, context, _TEMPLATE, {"page": page}, status)


def _texts(sent: MultiMapping[object]) -> MultiMapping[str]:
    """Return the fields of a form; each ticket of the selection is a field with the same name."""
    texts = ((name, value) for name, value in sent.items() if isinstance(value, str))
    return MultiDictProxy(MultiDict(texts))


def _target(fields: MultiMapping[str]) -> Status:
    try:
        return Status(fields.get("to", ""))
    except ValueError:
        raise InvalidInput("Choose a status to move the tickets to.", field="to") from None


def _selected(fields: MultiMapping[str]) -> list[str]:
    return _checked(fields.getall("ids", []))


def _checked(ids: Iterable[str]) -> list[str]:
    """Return the ids of a selection, each once.

    Raises:
        InvalidInput: the selection is empty or too large.

    """
    selected = list(dict.fromkeys(ids))
    if not selected:
        raise InvalidInput("Select at least one ticket.", field="ids")
    if len(selected) > limits.BULK_TICKETS:
        message = f"Select at most {limits.BULK_TICKETS} tickets, not {len(selected)}."
        raise InvalidInput(message, field="ids")
    return selected


async def _rows(
    context: RequestContext, ids: list[str], to: Status, done: frozenset[str] = frozenset()
) -> tuple[BulkRow, ...]:
    page_request = PageRequest(limits.BULK_TICKETS)
    found = await find_tickets(
        context.databases.reads, context.viewer, conditions_of_ids(ids), page_request
    )
    return await _rows_of(context, ids, found.tickets, to, done)


async def _rows_of(
    context: RequestContext,
    ids: Sequence[str],
    tickets: Sequence[Ticket],
    to: Status,
    done: frozenset[str] = frozenset(),
) -> tuple[BulkRow, ...]:
    names = {each.workflow for each in tickets}
    workflows = {name: await context.workflows.named(name) for name in names}
    by_id = {each.id: each for each in tickets}
    selection = {each: by_id.get(each) for each in ids}
    return build_rows(selection, workflows, context.actor, to, done)
