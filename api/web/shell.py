"""What surrounds the content of each page: the sidebar and who is signed in."""

from dataclasses import dataclass
from typing import Final

from api.runtime.request_context import RequestContext
from engine.errors import PluginDisabled
from engine.plugins import OffReason, Plugin
from engine.tickets.actor import Actor

_LICENCE_REMEDY: Final = "The operator of this server can install another licence."
_REMEDIES: Final = {
    OffReason.DECLARED_OFF: "To switch it on, apply values without that line.",
    OffReason.NOT_LICENSED: _LICENCE_REMEDY,
    OffReason.LICENCE_NOT_YET_VALID: _LICENCE_REMEDY,
    OffReason.LICENCE_EXPIRED: _LICENCE_REMEDY,
}
"""What the message of `PluginDisabled` does not say: how ticketing is switched on."""


@dataclass(frozen=True, slots=True)
class TicketingState:
    """Whether ticketing is on, as pages show it.

    Attributes:
        off_text: why it is off, and who can switch it on; empty while it is on.
        can_toggle: whether the reader can switch it on or off here.

    """

    off_text: str
    can_toggle: bool

    @classmethod
    def of(cls, error: PluginDisabled | None, reader: Actor) -> "TicketingState":
        """Return the state; `error` is None while ticketing is on."""
        if error is None:
            return cls("", reader.is_admin)
        reason = OffReason(str(error.details["reason"]))
        text = f"{error.message[:1].upper()}{error.message[1:]} {_REMEDIES.get(reason, '')}"
        return cls(text.rstrip(), reader.is_admin and reason is OffReason.SWITCHED_OFF)


@dataclass(frozen=True, slots=True)
class Shell:
    """The surroundings of a page.

    Attributes:
        user_id, user_name: the reader.
        is_admin: whether the reader has the admin role.
        sees_all: whether the reader can read every ticket.
        ticketing: whether the page links to tickets.

    """

    user_id: str
    user_name: str
    is_admin: bool
    sees_all: bool
    ticketing: TicketingState


def shell_of(context: RequestContext) -> Shell:
    """Return the surroundings of the pages of a request."""
    actor = context.actor
    ticketing = TicketingState.of(context.plugins.error(Plugin.TICKETING), actor)
    return Shell(actor.id, actor.name, actor.is_admin, context.viewer.sees_all, ticketing)
