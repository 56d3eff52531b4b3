"""What surrounds the content of each page: the sidebar and who is signed in."""

from dataclasses import dataclass

from api.runtime.request_context import RequestContext
from api.web.formats import Formats
from engine.plugins import Plugin


@dataclass(frozen=True, slots=True)
class Shell:
    """The surroundings of a page.

    Attributes:
        user_id, user_name: the reader.
        is_admin: whether the reader has the admin role.
        ticketing_off: why there are no tickets now; None while ticketing is on.
        formats: how the page shows times.

    """

    user_id: str
    user_name: str
    is_admin: bool
    ticketing_off: str | None
    formats: Formats


def shell_of(context: RequestContext) -> Shell:
    """Return the surroundings of the pages of a request."""
    actor, off = context.actor, context.plugins.error(Plugin.TICKETING)
    return Shell(actor.id, actor.name, actor.is_admin, off.message if off else None, Formats())
