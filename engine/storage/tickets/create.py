"""Create tickets: from a form, from a catalog item, or for an outage."""

from secrets import token_hex
from typing import Final

from sqlalchemy import bindparam, func, select

from engine.errors import NotFound, WorkflowRetired
from engine.findings import did_you_mean
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import workflows
from engine.storage.resources.catalog import read_active_item
from engine.storage.resources.on_behalf import read_on_behalf_groups
from engine.storage.resources.plugins import TICKETING_OFF_REASON
from engine.storage.resources.sla_terms import read_terms
from engine.storage.tickets.directory import require_known
from engine.storage.tickets.refusals import check_ticketing_on
from engine.storage.tickets.users import ensure_users
from engine.storage.tickets.writer import insert_tickets
from engine.tickets.actor import Actor
from engine.tickets.changes import opening_entry, opening_from_command, opening_from_item
from engine.tickets.commands import CreateTicket, CreateTicketFromCatalog
from engine.tickets.sla_targets import SlaTerms
from engine.tickets.ticket import Opening, Ticket, initial_ticket
from engine.vocabulary import Assignees

TICKET_ID_BYTES: Final = 16

WORKFLOW: Final = Statement.of(
    select(
        workflows.c.revision,
        workflows.c.retired_at.is_not(None).label("retired"),
        TICKETING_OFF_REASON.label("off_reason"),
        func.clock_timestamp().label("now"),
    ).where(workflows.c.name == bindparam("workflow"))
)
_ACTIVE_WORKFLOW_NAMES: Final = Statement.of(
    select(workflows.c.name).where(workflows.c.retired_at.is_(None))
)


async def create_from_form(
    session: Session, actor: Actor, command: CreateTicket, assignees: Assignees = Assignees.ANY
) -> Ticket:
    """Create a ticket from an empty form.

    Raises:
        UnknownUser, UnknownGroup: a user or the group is not known, and `assignees` requires it.

    """
    await lock_tickets_shared(session)
    terms = await read_terms(session, command.priority) if command.sla else SlaTerms()
    on_behalf = await _on_behalf_groups(session, actor, command)
    opening = opening_from_command(command, actor, terms, on_behalf)
    await _require_known_requester(session, actor, opening, assignees)
    return await create_ticket(session, actor, opening, assignees)


async def create_from_catalog(
    session: Session,
    actor: Actor,
    command: CreateTicketFromCatalog,
    assignees: Assignees = Assignees.ANY,
) -> Ticket:
    """Create a ticket from a catalog item.

    Raises:
        UnknownUser: the requester is not known, and `assignees` requires it.

    """
    await lock_tickets_shared(session)
    item = await read_active_item(session, command.item)
    terms = await read_terms(session, item)
    on_behalf = await _on_behalf_groups(session, actor, command)
    opening = opening_from_item(command, item, actor, terms, on_behalf)
    await _require_known_requester(session, actor, opening, assignees)
    return await create_ticket(session, actor, opening)


async def _on_behalf_groups(
    session: Session, actor: Actor, command: CreateTicket | CreateTicketFromCatalog
) -> frozenset[str]:
    """Return the groups of `ticketing.onBehalf` if the permission of the actor depends on them."""
    if command.requester in {None, actor.id} or actor.is_admin:
        return frozenset()
    return await read_on_behalf_groups(session)


async def _require_known_requester(
    session: Session, actor: Actor, opening: Opening, assignees: Assignees
) -> None:
    """Check that another user as the requester is known, as `require_known` checks an assignee."""
    if opening.requester != actor.id:
        await require_known(
            session, assignees, actor, user=opening.requester, user_field="requester"
        )


async def create_ticket(
    session: Session, actor: Actor, opening: Opening, assignees: Assignees = Assignees.ANY
) -> Ticket:
    """Write a new ticket and the first entry of its history.

    The caller locks the tickets (shared) before it reads the declarations that the opening is
    based on, so that no reconciliation changes them meanwhile. A group that the declaration names
    is known, so only a form can name an unknown one.
    """
    workflow = await read_active_workflow(session, opening.workflow)
    ticket_id = f"tk_{token_hex(TICKET_ID_BYTES)}"
    entry = opening_entry(ticket_id, opening, actor, workflow["now"], workflow["revision"])
    ticket = initial_ticket(entry)
    await require_known(
        session, assignees, actor, user=ticket.assignee, group=ticket.assignee_group
    )
    await ensure_users(session, ticket.requester)
    await insert_tickets(session, [entry])
    return ticket


async def read_active_workflow(session: Session, name: str) -> Row:
    """Return the workflow of a new ticket, with the time.

    Raises:
        NotFound: the workflow does not exist; the message suggests similar names.
        WorkflowRetired: the workflow is retired.
        PluginDisabled: ticketing is off.

    """
    row = await session.row(WORKFLOW, workflow=name)
    if row is None:
        known = [each["name"] for each in await session.rows(_ACTIVE_WORKFLOW_NAMES)]
        message = f"There is no workflow named {name!r}.{did_you_mean(name, known)}"
        raise NotFound(message, workflow=name)
    check_ticketing_on(row)
    if row["retired"]:
        raise WorkflowRetired(
            f"The workflow {name} is retired. Choose another one, or declare it again.",
            reason="workflow_retired",
            workflow=name,
        )
    return row
