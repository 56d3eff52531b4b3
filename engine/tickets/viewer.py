"""The viewer of tickets: an actor with the visibility rule that applies. Pure."""

from dataclasses import dataclass
from typing import Final

from engine.tickets.actor import Actor
from engine.tickets.system_actor import SYSTEM_ACTOR
from engine.vocabulary import Visibility


@dataclass(frozen=True, slots=True)
class Viewer:
    """An actor who reads tickets.

    Attributes:
        visibility: the active rule of `ticketing.visibility`; the same for all reads of a request.

    """

    actor: Actor
    visibility: Visibility

    @property
    def sees_all(self) -> bool:
        """Whether the actor can read every ticket."""
        return self.visibility is Visibility.EVERYONE or self.actor.is_admin


SYSTEM_VIEWER: Final = Viewer(SYSTEM_ACTOR, Visibility.EVERYONE)
"""For automatic changes, and for commands, whose users have access to the database."""
