"""The routes of one ticket."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.formats import with_words, words
from api.web.forms import read_form
from api.web.pages import Pages, see_other
from api.web.views.new_ticket.view import draft_of
from api.web.views.ticket.timeline import TimelineItem, build_timeline, users_of
from api.web.views.ticket.view import Notice, Publishing, TicketPage
from engine.errors import Forbidden, InterlockError, InvalidInput, VersionConflict
from engine.plugins import Plugin
from engine.storage.outages.publications import read_public_groups, read_publications
from engine.storage.tickets.history_pages import SEQ_MAX, HistoryPageRequest
from engine.storage.tickets.reader import read_ticket
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    StartTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.history import Entry
from engine.tickets.permissions import can_publish
from engine.tickets.publications import PublishIncident, WithdrawIncident
from engine.tickets.ticket import Ticket

PATH: Final = "/tickets/{id}"
_TEMPLATE: Final = "views/ticket/page.html"
_LATEST_ENTRIES: Final = 50
_DONE: Final = {
    "created": "The ticket is open.",
    "transition": "Moved to {status}.",
    "start": "The ticket is yours, and in progress.",
    "assign": "Assigned.",
    "transfer": "Transferred.",
    "comment": "Your comment is on the ticket. All users who can read the ticket can read it.",
    "note": "Your internal note is on the ticket. The requester can't read it.",
    "edit": "Saved.",
    "publish": "The status page shows your text within seconds.",
    "withdraw": "The status page no longer shows a text about this ticket.",
}
_REFUSALS: Final = (Forbidden, InvalidInput, VersionConflict)

_Fields = Mapping[str, str]
_NO_FIELDS: Final[_Fields] = {}
_POSITION: Final = web.RequestKey("position", str)
_Change = Callable[[RequestContext, str, _Fields], Awaitable[str]]


def ticket_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _TicketPageHandlers(pages)
    return [
        pages.get(PATH, handlers.show),
        pages.post(f"{PATH}/transitions", handlers.change(_transition)),
        pages.post(f"{PATH}/start", handlers.change(_start)),
        pages.post(f"{PATH}/comments", handlers.change(_comment)),
        pages.post(f"{PATH}/assignee", handlers.change(_assign)),
        pages.post(f"{PATH}/group", handlers.change(_transfer)),
        pages.post(f"{PATH}/edits", handlers.change(_edit)),
        pages.post(f"{PATH}/publication", handlers.change(_publish)),
    ]


async def _transition(context: RequestContext, ticket: str, fields: _Fields) -> str:
    command = TransitionTicket.parse(
        to=fields.get("to"), **_optional_comment(fields), **_common(ticket, fields)
    )
    await context.store.transition(context.actor, command)
    return "transition"


async def _start(context: RequestContext, ticket: str, fields: _Fields) -> str:
    command = StartTicket.parse(**_optional_comment(fields), **_common(ticket, fields))
    await context.store.start(context.actor, command)
    return "start"


async def _transfer(context: RequestContext, ticket: str, fields: _Fields) -> str:
    group = fields.get("group", "").strip() or None
    command = TransferTicket.parse(assignee_group=group, **_common(ticket, fields))
    await context.store.transfer(context.actor, command)
    return "transfer"


async def _comment(context: RequestContext, ticket: str, fields: _Fields) -> str:
    is_note = fields.get("internal") == "true"
    common = _common(ticket, fields) | {"expected_version": None}
    command = CommentTicket.parse(text=fields.get("text", ""), internal=is_note, **common)
    await context.store.comment(context.actor, command)
    return "note" if is_note else "comment"


async def _assign(context: RequestContext, ticket: str, fields: _Fields) -> str:
    assignee = fields.get("assignee", "").strip() or None
    command = AssignTicket.parse(assignee=assignee, **_common(ticket, fields))
    await context.store.assign(context.actor, command)
    return "assign"


async def _edit(context: RequestContext, ticket: str, fields: _Fields) -> str:
    names = ("title", "description", "priority")
    edited = {name: fields[name] for name in names if name in fields}
    await context.store.update(
        context.actor, UpdateTicket.parse(**edited, **_common(ticket, fields))
    )
    return "edit"


async def _publish(context: RequestContext, ticket: str, fields: _Fields) -> str:
    if fields.get("withdraw") == "true":
        withdrawal = WithdrawIncident.parse(**_common(ticket, fields))
        await context.store.withdraw(context.actor, withdrawal)
        return "withdraw"
    names = {"public_title": "title", "impact": "impact", "update": "update"}
    texts = {name: fields.get(field_name, "") for field_name, name in names.items()}
    await context.store.publish(
        context.actor, PublishIncident.parse(**texts, **_common(ticket, fields))
    )
    return "publish"


def _optional_comment(fields: _Fields) -> dict[str, object]:
    comment = fields.get("comment", "").strip() or None
    return {"comment": comment, "internal": bool(comment) and fields.get("internal") == "true"}


def _common(ticket: str, fields: _Fields) -> dict[str, object]:
    """Return the fields that all forms of the page have."""
    version = fields.get("version", "")
    return {
        "ticket": ticket,
        "expected_version": int(version) if version.isdecimal() else None,
        "idempotency_key": fields.get("key") or None,
    }


@dataclass(frozen=True, slots=True)
class _TicketPageHandlers:
    pages: Pages

    async def show(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show a ticket."""
        ticket = await _read(request, context)
        done = request.query.get("done", "")
        if done not in _DONE:
            return await self._render(request, context, ticket)
        text = _DONE[done].format(status=words(ticket.status))
        notice = Notice(text, succeeded=True, sent=_sent_draft(done, ticket))
        return await self._render(request, context, ticket, notice)

    def change(
        self, change: _Change
    ) -> Callable[[web.Request, RequestContext], Awaitable[web.Response]]:
        """Return the handler of a form that changes the ticket."""

        async def handle(request: web.Request, context: RequestContext) -> web.Response:
            context.plugins.require(Plugin.TICKETING)
            fields = await read_form(request)
            try:
                done = await change(context, request.match_info["id"], fields)
            except _REFUSALS as error:
                return await self._refuse(request, context, error, fields)
            return see_other(f"{PATH.format(id=request.match_info['id'])}?done={done}")

        return handle

    async def _refuse(
        self, request: web.Request, context: RequestContext, error: InterlockError, fields: _Fields
    ) -> web.Response:
        """Show the ticket as it is now, why nothing was changed, and the typed text."""
        ticket = await _read(request, context)
        seen = fields.get("version", "")
        meanwhile: tuple[TimelineItem, ...] = ()
        if seen.isdecimal() and int(seen) < ticket.version:
            entries = await _entries(context, ticket, after=int(seen))
            meanwhile = build_timeline(entries, await _names(context, ticket, entries))
        text = with_words(error.message)
        if isinstance(error, VersionConflict):
            text = "Nothing was changed, because the ticket changed meanwhile:"
        notice = Notice(text, succeeded=False, meanwhile=meanwhile)
        return await self._render(request, context, ticket, notice, fields, error.status)

    async def _render(  # noqa: PLR0913, PLR0917  # what the responses differ in
        self,
        request: web.Request,
        context: RequestContext,
        ticket: Ticket,
        notice: Notice | None = None,
        fields: _Fields = _NO_FIELDS,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        loader = context.loader_of(ticket)
        shows_all = "all" in request.query
        entries = await _entries(
            context, ticket, size=context.limits.latest_history if shows_all else _LATEST_ENTRIES
        )
        names = await _names(context, ticket, entries)
        page = TicketPage(
            ticket=ticket,
            actor=context.actor,
            names=names,
            workflow=await context.workflows.named(ticket.workflow),
            timers=(await loader.timers())[ticket.id],
            now=await loader.now(),
            timeline=build_timeline(entries, names),
            has_older=bool(entries) and entries[0].seq > 1,
            notice=notice,
            fields=fields,
            position=request[_POSITION],
            publishing=await _publishing(context, ticket),
        )
        return self.pages.render(request, context, _TEMPLATE, {"page": page}, status)


def _sent_draft(done: str, ticket: Ticket) -> str:
    """Return the beginning of the names of the drafts that a form contained."""
    match done:
        case "created":
            return draft_of(ticket.item)
        case "comment" | "note":
            return f"comment {ticket.id}"
        case "transition" | "start":
            return f"move {ticket.id}"
        case _:
            return ""


async def _publishing(context: RequestContext, ticket: Ticket) -> Publishing | None:
    """Return what the reader can publish about the ticket; None if the page cannot show it."""
    if not can_publish(ticket, context.actor):
        return None
    page, targets = await read_public_groups(context.databases.reads)
    is_public = ticket.service or any(each.sla_group == ticket.assignee_group for each in targets)
    if not page.enabled or not is_public:
        return None
    return Publishing(
        (await read_publications(context.databases.reads, [ticket.id])).get(ticket.id)
    )


async def _read(request: web.Request, context: RequestContext) -> Ticket:
    """Return the ticket, and store the position before it: the page misses no change."""
    context.plugins.require(Plugin.TICKETING)
    request[_POSITION] = str(await context.changes.end())
    return await read_ticket(context.databases.reads, context.viewer, request.match_info["id"])


async def _entries(
    context: RequestContext, ticket: Ticket, *, after: int = 0, size: int = _LATEST_ENTRIES
) -> tuple[Entry, ...]:
    request = HistoryPageRequest(size=size, after=after, before=SEQ_MAX, from_end=True)
    pages = await context.loader_of(ticket).history_pages(request, context.actor)
    return pages.pages[ticket.id].entries


async def _names(
    context: RequestContext, ticket: Ticket, entries: tuple[Entry, ...]
) -> Mapping[str, str]:
    involved = {ticket.requester or "", ticket.assignee or ""} - {""}
    return await context.loader_of(ticket).names_of(users_of(entries) | involved)
