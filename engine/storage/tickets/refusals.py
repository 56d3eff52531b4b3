"""Why a ticket is not created or changed, as errors."""

from engine.errors import ForbiddenTransition, InterlockError, VersionConflict
from engine.plugins import OffReason, Plugin, plugin_off
from engine.storage.postgres.database import Row
from engine.storage.postgres.rows import ticket_of
from engine.storage.tickets.idempotency import key_expired
from engine.storage.tickets.transition import Verdict
from engine.tickets.actor import Actor
from engine.tickets.commands import ChangeCommand
from engine.tickets.permissions import authorize_assign, authorize_note
from engine.vocabulary import ActorRoles, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import explain
from engine.workflows.policy import Policy


def check_ticketing_on(row: Row) -> None:
    """Raise PluginDisabled if the statement that returned the row found ticketing off."""
    if row["off_reason"]:
        raise plugin_off(Plugin.TICKETING, OffReason(row["off_reason"]))


def version_conflict(ticket: str, version: int, command: ChangeCommand) -> VersionConflict:
    """Return the error for a command that expects another version of the ticket."""
    return VersionConflict(
        f"{ticket} is at version {version}, not {command.expected_version}: read it again.",
        reason="version_conflict",
        ticket=ticket,
        expected_version=command.expected_version,
        current_version=version,
    )


def transition_refusal(
    row: Row, actor: Actor, command: ChangeCommand, to: Status
) -> InterlockError:
    """Explain why a transition was refused, from the values that the statement decided on.

    Raises:
        Forbidden: the actor lacks a relation to the ticket that the request needs besides a role.

    """
    match row["verdict"]:
        case Verdict.VERSION_CONFLICT:
            return version_conflict(command.ticket, row["version"], command)
        case Verdict.CANNOT_ASSIGN:
            authorize_assign(ticket_of(row), actor)
        case Verdict.CANNOT_WRITE_NOTES:
            authorize_note(ticket_of(row), actor)
        case Verdict.FORBIDDEN:
            return _forbidden_transition(row, command, to)
    return key_expired()


def _forbidden_transition(row: Row, command: ChangeCommand, to: Status) -> ForbiddenTransition:
    workflow = CompiledWorkflow(
        row["workflow"], row["display_name"], Policy(row["policy"]), retired=row["retired"]
    )
    roles = ActorRoles(row["actor_bits"])
    explanation = explain(workflow, Status(row["status"]), to, roles)
    return ForbiddenTransition(explanation.message, ticket=command.ticket, **explanation.facts)
