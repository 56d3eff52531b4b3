"""Tickets on PostgreSQL: every way to create or change one, and nothing else changes them.

Each change is one transaction that locks the ticket, asks the rules, and writes ticket and history
together; a transition is one statement that does all of it (see `transition`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Final, TypeVar

from sqlalchemy import bindparam, func, select

from engine.errors import (
    ForbiddenTransition,
    InterlockError,
    NotFound,
    VersionConflict,
    WorkflowRetired,
)
from engine.findings import did_you_mean
from engine.plugins import OffReason, Plugin, plugin_off
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets, workflows
from engine.storage.resources.catalog import read_active_item
from engine.storage.resources.plugins import TICKETING_OFF_REASON
from engine.storage.resources.sla_terms import read_terms
from engine.storage.tickets.idempotency import (
    KeyedRequest,
    execute_once,
    find_first_result,
    key_expired,
)
from engine.storage.tickets.reader import ticket_not_found
from engine.storage.tickets.transition import Verdict, transition_statement
from engine.storage.tickets.users import ensure_users
from engine.storage.tickets.visibility import GuardedStatement, viewer_parameters
from engine.storage.tickets.writer import append_entries, insert_tickets
from engine.tickets.actor import Actor
from engine.tickets.changes import (
    Change,
    assignment_changes,
    build_entries,
    comment_changes,
    edit_changes,
    opening_entry,
    opening_from_form,
    opening_from_item,
    with_targets,
)
from engine.tickets.commands import (
    AssignTicket,
    ChangeCommand,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.history import EntryKind
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.tickets.sla_timers import build_timers
from engine.tickets.ticket import Opening, Ticket, initial_ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import ActorRoles, Priority, Status, Visibility
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import explain
from engine.workflows.policy import Policy

TICKET_ID_BYTES: Final = 16

AnyChange = TypeVar("AnyChange", bound=ChangeCommand)
Decide = Callable[[Ticket, Actor, AnyChange], Sequence[Change]]
"""A rule of `engine.tickets.changes`: what a form does to a ticket, or a refusal."""

ACTIVE_WORKFLOW: Final = Statement.of(
    select(
        workflows.c.revision,
        workflows.c.retired_at.is_not(None).label("retired"),
        TICKETING_OFF_REASON.label("why_off"),
        func.clock_timestamp().label("now"),
    ).where(workflows.c.name == bindparam("wanted"))
)
WORKFLOW_NAMES: Final = Statement.of(
    select(workflows.c.name).where(workflows.c.retired_at.is_(None))
)
LOCKED_TICKET: Final = GuardedStatement.of(
    select(
        tickets,
        workflows.c.revision,
        TICKETING_OFF_REASON.label("why_off"),
        func.clock_timestamp().label("now"),
    )
    .join(workflows)
    .where(tickets.c.id == bindparam("ticket"))
    .with_for_update(of=tickets)
)


@dataclass(frozen=True, slots=True)
class TicketStore:
    """Creates and changes tickets. Every method either does all of it or raises and does nothing.

    All of them raise `PluginDisabled` while ticketing is switched off, `NotFound` for a ticket that
    does not exist or that the actor may not read, `VersionConflict` if the form expects another
    version, and `IdempotencyConflict` if its key stands for another request.

    What is answered is the ticket as the actor's own change left it, even if that change took it
    out of the actor's sight.

    Attributes:
        visibility: who may read tickets.

    """

    database: Database
    visibility: Visibility = Visibility.EVERYONE

    async def create(self, actor: Actor, form: CreateTicket) -> Ticket:
        """Open a ticket that the actor requests, from an empty form.

        Raises:
            NotFound: there is no such workflow.
            WorkflowRetired: it is declared no more.
            Forbidden: the actor may not assign the ticket to whom the form names.

        """
        async with self.database.transaction() as session:
            return await execute_once(
                session, actor, form, lambda: open_by_hand(session, actor, form)
            )

    async def create_from_catalog(self, actor: Actor, form: CreateTicketFromCatalog) -> Ticket:
        """Open a ticket that the actor requests, from a catalog item.

        Raises:
            NotFound: there is no such item.
            ItemRetired, WorkflowRetired: it, or its workflow, is declared no more.

        """
        async with self.database.transaction() as session:
            return await execute_once(
                session, actor, form, lambda: open_from_item(session, actor, form)
            )

    async def assign(self, actor: Actor, form: AssignTicket) -> Ticket:
        """Hand a ticket to somebody, or back to the queue; raises as `assignment_changes` does."""
        return await self.change(actor, form, assignment_changes)

    async def comment(self, actor: Actor, form: CommentTicket) -> Ticket:
        """Add a comment; CLOSED tickets take them too."""
        return await self.change(actor, form, comment_changes)

    async def update(self, actor: Actor, form: UpdateTicket) -> Ticket:
        """Change title, description or priority; raises as `edit_changes` does."""
        return await self.change(actor, form, edit_changes)

    async def transition(self, actor: Actor, form: TransitionTicket) -> Ticket:
        """Move a ticket to another status.

        Raises:
            ForbiddenTransition: the workflow does not allow it to this actor; with the reason.

        """
        request = KeyedRequest.of(actor, form)
        viewer = Viewer(actor, self.visibility)
        row = await self.database.row(
            transition_statement(keyed=request is not None, sees_all=viewer.sees_all),
            ticket=form.ticket,
            actor=actor.id,
            admin_bit=int(ActorRoles.ADMIN) if actor.is_admin else 0,
            target=form.to.value,
            target_ordinal=form.to.ordinal,
            expected_version=form.expected_version,
            key=request and request.key,
            request=request and request.digest,
            **viewer_parameters(viewer),
        )
        if row is None:
            return await first_answer_to(self.database, actor, form)
        if row["moved"]:
            return ticket_of(row)
        refuse_if_off(row)
        if request is not None and (first := await find_first_result(self.database, request)):
            return first
        raise refusal(row, form)

    async def change(self, actor: Actor, form: AnyChange, decide: Decide[AnyChange]) -> Ticket:
        """Carry out a change that is not a transition.

        It locks the ticket before it claims the key, in the order of a transition: of two requests
        that need both, neither holds what the other waits for.
        """
        async with self.database.transaction() as session:
            row = await locked_ticket(session, Viewer(actor, self.visibility), form)
            if row is None:
                return await first_answer_to(session, actor, form)
            return await execute_once(
                session, actor, form, lambda: change_ticket(session, row, actor, form, decide)
            )


async def open_by_hand(session: Session, actor: Actor, form: CreateTicket) -> Ticket:
    """Open a ticket as a form says."""
    await lock_tickets_shared(session)
    terms = await read_terms(session, form.priority) if form.sla else SlaTerms()
    return await open_ticket(session, actor, opening_from_form(form, actor, terms))


async def open_from_item(session: Session, actor: Actor, form: CreateTicketFromCatalog) -> Ticket:
    """Open a ticket as a catalog item says, which is as it stands until the transaction ends."""
    await lock_tickets_shared(session)
    item = await read_active_item(session, form.item)
    terms = await read_terms(session, item)
    return await open_ticket(session, actor, opening_from_item(form, item, actor, terms))


async def open_ticket(session: Session, actor: Actor, opening: Opening) -> Ticket:
    """Write a new ticket and the first entry of its history: the one way, whoever opens it.

    The transaction shares the tickets already, from before it read what the opening goes by.
    """
    workflow = await offered_workflow(session, opening.workflow)
    ticket_id = f"tk_{token_hex(TICKET_ID_BYTES)}"
    entry = opening_entry(ticket_id, opening, actor, workflow["now"], workflow["revision"])
    ticket = initial_ticket(entry)
    await ensure_users(session, ticket.requester, ticket.assignee)
    await insert_tickets(session, [entry])
    return ticket


async def offered_workflow(session: Session, name: str) -> Row:
    """Return the workflow that a new ticket asks for.

    Raises:
        NotFound: there is none of that name; the near names are offered.
        WorkflowRetired: it is declared no more.
        PluginDisabled: ticketing is switched off.

    """
    row = await session.row(ACTIVE_WORKFLOW, wanted=name)
    if row is None:
        known = [each["name"] for each in await session.rows(WORKFLOW_NAMES)]
        message = f"There is no workflow named {name!r}.{did_you_mean(name, known)}"
        raise NotFound(message, workflow=name)
    refuse_if_off(row)
    if row["retired"]:
        raise WorkflowRetired(
            f"{name} is retired: it takes no new tickets until it is declared again.",
            reason="workflow_retired",
            workflow=name,
        )
    return row


async def locked_ticket(session: Session, viewer: Viewer, form: ChangeCommand) -> Row | None:
    """Return the ticket that a form is about, locked, with the revision in force and the time.

    Returns:
        None if there is no such ticket that the viewer may read.

    Raises:
        PluginDisabled: ticketing is switched off.

    """
    statement = LOCKED_TICKET.to(viewer)
    row = await session.row(statement, ticket=form.ticket, **viewer_parameters(viewer))
    if row is not None:
        refuse_if_off(row)
    return row


async def first_answer_to(source: Database | Session, actor: Actor, form: ChangeCommand) -> Ticket:
    """Return what a form led to when it was sent before, for a ticket that is out of sight now.

    Raises:
        NotFound: it was not; so the answer is that of a ticket that does not exist.

    """
    request = KeyedRequest.of(actor, form)
    if request is not None and (first := await find_first_result(source, request)):
        return first
    raise ticket_not_found(form.ticket)


async def change_ticket(
    session: Session, row: Row, actor: Actor, form: AnyChange, decide: Decide[AnyChange]
) -> Ticket:
    """Ask the rule, then write the ticket and the entries of its history."""
    ticket = ticket_of(row)
    if form.expected_version not in (None, ticket.version):
        raise version_conflict(ticket.id, ticket.version, form)
    changes = decide(ticket, actor, form)
    if row["sla_version"] is not None:
        changes = [await promised_anew(session, ticket.id, change) for change in changes]
    entries = build_entries(ticket, changes, actor, row["now"], row["revision"])
    return await append_entries(session, ticket, row["head_digest"], entries)


async def promised_anew(session: Session, ticket: str, change: Change) -> Change:
    """Return a change with what the new priority promises, if its predecessor did."""
    if change.kind is not EntryKind.PRIORITY:
        return change
    sla = build_timers((await read_histories(session, [ticket]))[ticket])
    if sla is None or not sla.targets.by_priority:
        return change
    priority = Priority(str(change.new))
    return with_targets(change, targets_for(priority, await read_terms(session, priority)))


def refuse_if_off(row: Row) -> None:
    """Raise PluginDisabled if the statement that answered a row found ticketing off."""
    if row["why_off"]:
        raise plugin_off(Plugin.TICKETING, OffReason(row["why_off"]))


def refusal(row: Row, form: TransitionTicket) -> InterlockError:
    """Return why a transition did not happen, from the facts that the statement decided on."""
    if row["verdict"] == Verdict.VERSION_CONFLICT:
        return version_conflict(form.ticket, row["version"], form)
    if row["verdict"] != Verdict.REFUSED:
        return key_expired()
    workflow = CompiledWorkflow(
        row["workflow"], row["display_name"], Policy(row["policy"]), retired=row["retired"]
    )
    held = ActorRoles(row["actor_bits"])
    answer = explain(workflow, Status(row["status"]), form.to, held)
    return ForbiddenTransition(answer.message, ticket=form.ticket, **answer.facts)


def version_conflict(ticket: str, version: int, form: ChangeCommand) -> VersionConflict:
    """Return the refusal of a form that was filled in for another version of the ticket."""
    return VersionConflict(
        f"{ticket} is at version {version}, not {form.expected_version}: read it again.",
        reason="version_conflict",
        ticket=ticket,
        expected_version=form.expected_version,
        current_version=version,
    )
