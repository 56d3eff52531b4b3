"""The rules for everything that only admins, or only users who see all tickets, can do."""

from engine.errors import Forbidden
from engine.tickets.actor import Actor
from engine.tickets.viewer import Viewer


def require_admin(actor: Actor, action: str) -> None:
    """Raise Forbidden if the actor is not an admin.

    Args:
        actor: the user who makes the request.
        action: a verb phrase for the message: "Only admins can {action}."

    """
    if not actor.is_admin:
        raise Forbidden(f"Only admins can {action}; you are not an admin.", reason="admin_required")


def require_all_tickets(viewer: Viewer, action: str) -> None:
    """Raise Forbidden if the viewer cannot read every ticket.

    Args:
        viewer: the user who makes the request.
        action: a verb phrase for the message: "Only users who can read every ticket can {action}."

    """
    if not viewer.sees_all:
        raise Forbidden(
            f"Only users who can read every ticket can {action}; here, these are admins.",
            reason="admin_required",
        )
