"""Who looks at tickets, by the rule of who may (`ticketing.visibility`). Pure."""

from dataclasses import dataclass
from typing import Final

from engine.tickets.actor import Actor
from engine.tickets.system_actor import SYSTEM_ACTOR
from engine.vocabulary import Visibility


@dataclass(frozen=True, slots=True)
class Viewer:
    """An actor who reads tickets.

    Attributes:
        visibility: the rule in force; everything that one request reads goes by the same.

    """

    actor: Actor
    visibility: Visibility

    @property
    def sees_all(self) -> bool:
        """Whether there is no ticket that this actor may not read."""
        return self.visibility is Visibility.EVERYONE or self.actor.is_admin


SYSTEM_VIEWER: Final = Viewer(SYSTEM_ACTOR, Visibility.EVERYONE)
"""For what the system does, and for commands, whose users have the database."""
