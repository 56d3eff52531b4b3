"""Change tickets other than by transitions: lock the ticket, apply a rule, append entries."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from sqlalchemy import bindparam, func, select

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.tables import tickets, workflows
from engine.storage.resources.plugins import TICKETING_OFF_REASON
from engine.storage.resources.sla_terms import read_terms
from engine.storage.tickets.directory import require_known
from engine.storage.tickets.refusals import check_ticketing_on, version_conflict
from engine.storage.tickets.users import read_user_groups
from engine.storage.tickets.visibility import GuardedStatement, viewer_parameters
from engine.storage.tickets.writer import append_entries
from engine.tickets.actor import Actor
from engine.tickets.changes import Change, build_entries, unassignment, with_targets
from engine.tickets.commands import ChangeCommand
from engine.tickets.history import EntryKind
from engine.tickets.sla_targets import targets_for
from engine.tickets.sla_timers import build_timers
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import Assignees, Priority

AnyCommand = TypeVar("AnyCommand", bound=ChangeCommand)
Rule: TypeAlias = Callable[[Ticket, Actor, AnyCommand], Sequence[Change]]
"""A function of `engine.tickets.changes`: returns the changes of a command, or raises."""

LOCKED_TICKET: Final = GuardedStatement.of(
    select(
        tickets,
        workflows.c.revision,
        TICKETING_OFF_REASON.label("off_reason"),
        func.clock_timestamp().label("now"),
    )
    .join(workflows)
    .where(tickets.c.id == bindparam("ticket"))
    .with_for_update(of=tickets)
)


async def lock_ticket(session: Session, viewer: Viewer, command: ChangeCommand) -> Row | None:
    """Lock the ticket of a command; return it with its workflow's revision and the time.

    Returns:
        None if the ticket does not exist or the viewer cannot read it.

    Raises:
        PluginDisabled: ticketing is off.

    """
    statement = LOCKED_TICKET.for_viewer(viewer)
    row = await session.row(statement, ticket=command.ticket, **viewer_parameters(viewer))
    if row is not None:
        check_ticketing_on(row)
    return row


async def change_ticket(  # noqa: PLR0913  # who changes what, by which rules
    session: Session,
    row: Row,
    actor: Actor,
    command: AnyCommand,
    rule: Rule[AnyCommand],
    *,
    assignees: Assignees = Assignees.ANY,
) -> Ticket:
    """Apply a rule to a locked ticket, and write the ticket and its new entries.

    Raises:
        UnknownUser, UnknownGroup: the new assignee or group is not known, but has to be.

    """
    ticket = ticket_of(row)
    if command.expected_version not in (None, ticket.version):
        raise version_conflict(ticket.id, ticket.version, command)
    changed = rule(ticket, actor, command)
    for each in changed:
        if each.kind is EntryKind.ASSIGNEE:
            await require_known(session, assignees, actor, user=each.new)
        if each.kind is EntryKind.ASSIGNEE_GROUP:
            await require_known(session, assignees, actor, group=each.new)
    changes = [
        each for change in changed for each in await _with_consequences(session, row, actor, change)
    ]
    entries = build_entries(ticket, changes, actor, row["now"], row["revision"])
    return await append_entries(session, ticket, row["head_digest"], entries)


async def _with_consequences(
    session: Session, row: Row, actor: Actor, change: Change
) -> tuple[Change, ...]:
    """Return a change with what follows from it and from other stored values."""
    match change.kind:
        case EntryKind.PRIORITY if row["sla_version"] is not None:
            return (await _with_targets_of_priority(session, row["id"], change),)
        case EntryKind.ASSIGNEE_GROUP if (assignee := row["assignee"]) is not None:
            is_actor = assignee == actor.id
            groups = actor.groups if is_actor else await read_user_groups(session, assignee)
            return (change, *unassignment(ticket_of(row), change, groups))
        case _:
            return (change,)


async def _with_targets_of_priority(session: Session, ticket: str, change: Change) -> Change:
    """Add the SLA targets of the new priority to a change of priority.

    Targets that do not depend on the priority stay as they are.
    """
    timers = build_timers((await read_histories(session, [ticket]))[ticket])
    if timers is None or not timers.targets.by_priority:
        return change
    priority = Priority(str(change.new))
    return with_targets(change, targets_for(priority, await read_terms(session, priority)))
