"""The rule for everything that only admins can do."""

from engine.errors import Forbidden
from engine.tickets.actor import Actor


def require_admin(actor: Actor, action: str) -> None:
    """Raise Forbidden if the actor is not an admin.

    Args:
        actor: the user who makes the request.
        action: a verb phrase for the message: "Only admins can {action}."

    """
    if not actor.is_admin:
        raise Forbidden(f"Only admins can {action}; you are not an admin.", reason="admin_required")
